package dispatcher

import (
	"context"
	"time"
)

// awaitMost bounds how long a request that was pulled waits here for its turn;
// then others may have it.
const awaitMost = 2 * time.Second

// Wait waits until the call may be claimed. It reports false if that is not
// so soon, or the lane was stopped: then the request is handed back.
func (t *Permit) Wait(ctx context.Context) bool {
	l := t.lane
	if t.granted { // the claim was lost, and is made again
		return t.still()
	}
	if t.atOnce() {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, awaitMost)
	defer cancel()
	if !t.acquire(ctx, l.first) {
		return false
	}
	defer func() { <-l.first }()
	if !t.acquire(ctx, l.posts) {
		return false
	}
	for {
		granted, open, at := t.place()
		switch {
		case granted:
			return true
		case !open:
			<-l.posts
			return false
		case at.IsZero():
			l.reserve(ctx, 1)
			at = t.again()
		}
		if !at.IsZero() {
			t.sleep(ctx, at)
		}
		if ctx.Err() != nil {
			<-l.posts
			return false
		}
	}
}

// atOnce takes the turn if nothing has to be waited for.
func (t *Permit) atOnce() bool {
	l := t.lane
	select {
	case l.first <- struct{}{}:
		defer func() { <-l.first }()
	default:
		return false
	}
	select {
	case l.posts <- struct{}{}:
	default:
		return false
	}
	granted, _, _ := t.place()
	if !granted {
		<-l.posts
	}
	return granted
}

// acquire waits for a place in a channel while the lane is open to the turn.
func (t *Permit) acquire(ctx context.Context, places chan struct{}) bool {
	for {
		changed, open := t.open()
		if !open || ctx.Err() != nil {
			return false
		}
		select {
		case places <- struct{}{}:
			return true
		default:
		}
		select {
		case places <- struct{}{}:
			return true
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// open reports whether the lane is open to the turn, and gives what tells when
// that changes.
func (t *Permit) open() (changed <-chan struct{}, open bool) {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed, l.openTo(t, l.cfg.Now())
}

// still reports whether a turn that has its POST slot may be claimed with.
func (t *Permit) still() bool {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	t.began = l.cfg.Now()
	return l.openTo(t, t.began)
}

// openTo reports whether a turn may still lead to a call: what was pulled may
// have been overtaken by a stop, a pause that the provider asked for, or the
// breaker.
func (l *Lane) openTo(t *Permit, now time.Time) bool {
	return !l.stopped() && !now.Before(l.slowed) && l.breaker.mayClaim(t.probe)
}

// place gives the turn its moment if one is close enough, and says when one
// will be; zero if none is in hand. The turn holds a POST slot.
func (t *Permit) place() (granted, open bool, at time.Time) {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	if !l.openTo(t, now) {
		return false, false, time.Time{}
	}
	if l.cfg.CallsPerSecond > 0 {
		l.lapse(now)
		lead := l.pace.lead()
		moment, at, ok := l.pace.take(now.Add(lead))
		if !ok {
			if !at.IsZero() {
				at = at.Add(-lead)
			}
			return false, true, at
		}
		t.moment = moment
		l.cfg.Metrics.SlotWait(now.Sub(t.began))
	}
	t.granted, t.began = true, now
	l.pulled--
	l.posting++
	l.cfg.Metrics.InFlight(1)
	return true, true, time.Time{}
}

// again gives when it is worth asking for moments, zero if that is now.
func (t *Permit) again() time.Time {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pace.moments) > 0 || !l.pace.again.After(l.cfg.Now()) {
		return time.Time{}
	}
	return l.pace.again
}

// sleep waits until a time, the end of ctx, or a change of the lane. It does not
// if the lane was stopped since the turn was last looked at.
func (t *Permit) sleep(ctx context.Context, until time.Time) {
	changed, open := t.open()
	if !open {
		return
	}
	timer := time.NewTimer(until.Sub(t.lane.cfg.Now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
}
