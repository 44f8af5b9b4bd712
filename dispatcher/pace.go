package dispatcher

import (
	"math"
	"slices"
	"time"
)

const (
	// pullLead is how long before its moment a request is pulled, beyond what a
	// claim takes; pulls bring what is needed within twice that.
	pullLead = 20 * time.Millisecond
	// reserveLead is how far ahead moments are reserved, beyond what a claim
	// takes, and thinLead when more are: a slow answer must not interrupt the
	// pace. A worker that dies takes with it what it has reserved.
	reserveLead = 250 * time.Millisecond
	thinLead    = 100 * time.Millisecond
	// claimLeadFirst is taken for a claim's time until one was measured, and
	// claimLeadMost bounds it: nobody waits longer while holding a claim.
	claimLeadFirst = 10 * time.Millisecond
	claimLeadLeast = 2 * time.Millisecond
	claimLeadMost  = 250 * time.Millisecond
	// lateMost bounds how late a call may be, at limits so low that more would
	// do no harm.
	lateMost = 500 * time.Millisecond
	// reserveAtOnce is for how long moments are reserved at once: few enough that
	// an idle worker leaves them to others, and enough to count seldom.
	reserveAtOnce = 50 * time.Millisecond
)

// lateness is how long after its moment a call may begin. Moments lie evenly;
// a call that is late comes closer to those behind it. The limit, 5 % and one
// more have to hold in any second, and three fifths of what that leaves may be
// spent here; the rest is for clocks and for the way to the provider.
func lateness(perSecond float64) time.Duration {
	const rounding = 1e-9
	most := math.Floor(perSecond*1.05 + 1 + rounding) // calls in a second
	spare := most/perSecond - 1
	return min(time.Duration(0.6*spare*float64(time.Second)), lateMost)
}

// pace is when calls may be begun: moments that this worker has reserved of
// what all workers together may do. It knows no clock and asks nobody.
type pace struct {
	perSecond float64 // 0 is without limit
	late      time.Duration
	moments   []time.Time // in order
	again     time.Time   // when it is worth asking for more

	claim time.Duration // what a claim takes, lately
}

func newPace(perSecond float64) pace {
	p := pace{perSecond: perSecond}
	if perSecond > 0 {
		p.late = lateness(perSecond)
	}
	return p
}

// view is what may be done now: n calls may be pulled; or so many moments are
// to be reserved first; or it is to be asked again.
type view struct {
	n     int
	short int
	at    time.Time
}

// available gives how many of the wanted calls may be pulled now, if so many
// are pulled already that have no moment yet.
func (p *pace) available(now time.Time, want, pulled int) view {
	if p.perSecond == 0 {
		return view{n: want}
	}
	var v view
	if p.thin(now, pulled) {
		if !now.Before(p.again) {
			batch := max(1, int(p.perSecond*reserveAtOnce.Seconds()))
			return view{short: min(want, batch) + max(0, pulled-len(p.moments))}
		}
		v.at = p.again
	}
	if pulled >= len(p.moments) {
		return v
	}
	lead := p.lead()
	if at := p.moments[pulled].Add(-lead - pullLead); at.After(now) {
		if v.at.IsZero() || at.Before(v.at) {
			v.at = at
		}
		return v
	}
	return view{n: min(want, p.until(now.Add(lead+2*pullLead))-pulled)}
}

// thin tells that the moments in hand will soon be used up.
func (p *pace) thin(now time.Time, pulled int) bool {
	n := len(p.moments)
	return n <= pulled || p.moments[n-1].Before(now.Add(p.lead()+thinLead))
}

// until counts the moments up to a time.
func (p *pace) until(t time.Time) int {
	n := 0
	for n < len(p.moments) && !p.moments[n].After(t) {
		n++
	}
	return n
}

// add takes in moments that were reserved, and when to ask for more.
func (p *pace) add(moments []time.Time, again time.Time) {
	p.moments = append(p.moments, moments...)
	slices.SortFunc(p.moments, time.Time.Compare)
	p.again = again
}

// drop forgets moments that are past, and gives how many they were.
func (p *pace) drop(now time.Time) int {
	n := p.until(now.Add(-p.late - 1))
	p.moments = slices.Delete(p.moments, 0, n)
	return n
}

// take uses the first moment up to a time. If there is none, it says when there
// will be; zero if more has to be reserved.
func (p *pace) take(by time.Time) (moment, at time.Time, ok bool) {
	if len(p.moments) == 0 {
		return time.Time{}, time.Time{}, false
	}
	first := p.moments[0]
	if first.After(by) {
		return time.Time{}, first, false
	}
	p.moments = p.moments[1:]
	return first, time.Time{}, true
}

// give takes a moment back that was not used.
func (p *pace) give(moment time.Time) { p.add([]time.Time{moment}, p.again) }

// lead is how long before its moment a call is claimed.
func (p *pace) lead() time.Duration {
	if p.claim == 0 {
		return claimLeadFirst
	}
	return min(claimLeadLeast+p.claim*3/2, claimLeadMost)
}

// claimed takes in how long a claim took: it forgets slowly that they were slow.
func (p *pace) claimed(took time.Duration) {
	if took > p.claim {
		p.claim = (p.claim + took) / 2
	} else {
		p.claim += (took - p.claim) / 16
	}
}
