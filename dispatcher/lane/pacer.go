package lane

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/internal/retry"

	"github.com/ringonce/ringonce/metrics"
)

const (
	// pullLead is how long before its rate slot a request is pulled, beyond what a
	// claim takes; one pull brings what is needed within twice that.
	pullLead = 20 * time.Millisecond
	// reserveLead is how far ahead slots are reserved, beyond what a claim takes,
	// and lowWaterLead when more are: a slow answer must not interrupt the pace.
	// A worker that dies loses what it has reserved.
	reserveLead  = 250 * time.Millisecond
	lowWaterLead = 100 * time.Millisecond
	// initialClaimLead stands for what a claim takes until one was measured, and
	// maxClaimLead bounds it: no call waits longer while it is claimed.
	initialClaimLead = 10 * time.Millisecond
	minClaimLead     = 2 * time.Millisecond
	maxClaimLead     = 250 * time.Millisecond
	// maxLateness bounds how late a call may be, at limits so low that more would
	// do no harm.
	maxLateness = 500 * time.Millisecond
	// reserveSpan is the time for which slots are reserved at once: few enough
	// that an idle worker leaves them to others, and enough to ask rarely.
	reserveSpan = 50 * time.Millisecond
)

// lateness is how long after its slot a call may begin. Slots are even; a call
// that is late comes closer to those behind it. The limit, 5 % and one more have
// to hold in any second, and three fifths of what that leaves may be spent here;
// the rest is for clocks and for the way to the provider.
func lateness(perSecond float64) time.Duration {
	const rounding = 1e-9
	maxCalls := math.Floor(perSecond*1.05 + 1 + rounding) // in a second
	spare := maxCalls/perSecond - 1
	return min(time.Duration(0.6*spare*float64(time.Second)), maxLateness)
}

// pacer knows when calls may be begun: the slots that this worker has reserved of
// what all workers together may do.
type pacer struct {
	perSecond float64 // 0 is no limit
	maxLate   time.Duration
	slots     []time.Time // in order
	retryAt   time.Time   // when it is worth reserving more

	claimEWMA time.Duration // how long a claim takes

	failures int             // reservations in a row that failed
	delays   backoff.BackOff // between them
}

func newPacer(perSecond float64) pacer {
	p := pacer{perSecond: perSecond, delays: retry.NewBackoff(50*time.Millisecond, 2*time.Second)}
	if perSecond > 0 {
		p.maxLate = lateness(perSecond)
	}
	return p
}

// capacity is how many requests may be pulled now; or how many slots have to be
// reserved first; or when to ask again.
type capacity struct {
	now     int
	missing int
	retryAt time.Time
}

// available returns how many of the wanted requests may be pulled now, while so
// many are pulled that have no slot yet.
func (p *pacer) available(now time.Time, want, pulled int) capacity {
	if p.perSecond == 0 {
		return capacity{now: want}
	}
	var c capacity
	if p.isLow(now, pulled) {
		if !now.Before(p.retryAt) {
			batch := max(1, int(p.perSecond*reserveSpan.Seconds()))
			return capacity{missing: min(want, batch) + max(0, pulled-len(p.slots))}
		}
		c.retryAt = p.retryAt
	}
	if pulled >= len(p.slots) {
		return c
	}
	lead := p.claimLead()
	if at := p.slots[pulled].Add(-lead - pullLead); at.After(now) {
		if c.retryAt.IsZero() || at.Before(c.retryAt) {
			c.retryAt = at
		}
		return c
	}
	return capacity{now: min(want, p.countUntil(now.Add(lead+2*pullLead))-pulled)}
}

// isLow reports whether the slots in hand will soon be used up.
func (p *pacer) isLow(now time.Time, pulled int) bool {
	n := len(p.slots)
	return n <= pulled || p.slots[n-1].Before(now.Add(p.claimLead()+lowWaterLead))
}

// countUntil counts the slots up to a time.
func (p *pacer) countUntil(t time.Time) int {
	n := 0
	for n < len(p.slots) && !p.slots[n].After(t) {
		n++
	}
	return n
}

// add adds slots.
func (p *pacer) add(slots ...time.Time) {
	p.slots = append(p.slots, slots...)
	slices.SortFunc(p.slots, time.Time.Compare)
}

// onReserved adds what was reserved, and sets when to reserve more.
func (p *pacer) onReserved(now time.Time, slots []time.Time, retryAt time.Time, err error) metrics.Reservation {
	p.add(slots...)
	if err != nil {
		p.failures++
		p.retryAt = now.Add(p.delays.NextBackOff())
		return metrics.ReservationFailed
	}
	p.failures, p.retryAt = 0, retryAt
	p.delays.Reset()
	if len(slots) == 0 {
		return metrics.ReservationExhausted
	}
	return metrics.ReservationGranted
}

// expire removes slots that are past, and returns how many.
func (p *pacer) expire(now time.Time) int {
	n := p.countUntil(now.Add(-p.maxLate - 1))
	p.slots = slices.Delete(p.slots, 0, n)
	return n
}

// take takes the first slot up to a time.
func (p *pacer) take(by time.Time) (slot time.Time, ok bool) {
	if len(p.slots) == 0 || p.slots[0].After(by) {
		return time.Time{}, false
	}
	slot, p.slots = p.slots[0], p.slots[1:]
	return slot, true
}

// next takes the first slot if it is time to claim for it. If not, at is when to
// try again; zero if slots have to be reserved first.
func (p *pacer) next(now time.Time) (slot, at time.Time) {
	lead := p.claimLead()
	slot, ok := p.take(now.Add(lead))
	switch {
	case ok:
		return slot, time.Time{}
	case len(p.slots) > 0:
		return time.Time{}, p.slots[0].Add(-lead)
	case p.retryAt.After(now):
		return time.Time{}, p.retryAt
	default:
		return time.Time{}, time.Time{}
	}
}

// claimLead is how long before its slot a call is claimed.
func (p *pacer) claimLead() time.Duration {
	if p.claimEWMA == 0 {
		return initialClaimLead
	}
	return min(minClaimLead+p.claimEWMA*3/2, maxClaimLead)
}

// onClaimed takes in how long a claim took: it forgets slowly that they were slow.
func (p *pacer) onClaimed(took time.Duration) {
	if took > p.claimEWMA {
		p.claimEWMA = (p.claimEWMA + took) / 2
	} else {
		p.claimEWMA += (took - p.claimEWMA) / 16
	}
}

// reserve reserves about n rate slots; one caller asks at a time. While the
// limiter does not answer there are none, and so no calls.
func (l *Lane) reserve(ctx context.Context, n int) {
	select {
	case l.limiterLock <- struct{}{}:
		defer func() { <-l.limiterLock }()
	case <-ctx.Done():
		return
	}
	l.mu.Lock()
	limiter, lead, early := l.ports.Limiter, l.pacer.claimLead(), l.cfg.Now().Before(l.pacer.retryAt)
	l.mu.Unlock()
	if limiter == nil || early { // the caller before got the same answer
		return
	}
	slots, retryAt, err := limiter.Reserve(ctx, n, lead+reserveLead)
	l.update(func(now time.Time) bool {
		l.cfg.Metrics.Reserved(l.pacer.onReserved(now, slots, retryAt, err))
		return false
	})
}
