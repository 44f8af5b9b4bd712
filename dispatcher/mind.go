package dispatcher

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/metrics"
)

const (
	probeWithin = 10 * time.Second // bounds one probe of a suspension
	// reachWithin bounds the question whether anything answers: shorter than the
	// time until the next one.
	reachWithin = 4 * time.Second
	// probeFirst and probeMost bound the wait before a suspension is probed.
	probeFirst = time.Second
	probeMost  = time.Minute
)

// RunProbes looks after the lane until ctx ends: it ends suspensions whose time is
// over or whose probe works, writes a flag that could not be written, and while
// the breaker is open it asks the provider something harmless before one call is
// risked. It rings nobody.
func (w *Handler) RunProbes(ctx context.Context) {
	probes := newProbeBackoff()
	for {
		at, changed := w.Lane.nextCare()
		if at.IsZero() {
			probes.Reset()
			select {
			case <-ctx.Done():
				return
			case <-changed:
				continue
			}
		}
		timer := time.NewTimer(at.Sub(w.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed:
			timer.Stop()
			continue
		case <-timer.C:
		}
		w.care(ctx, probes)
	}
}

// nextCare gives when the lane next wants something, zero if nothing.
func (l *Lane) nextCare() (time.Time, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	l.tell()
	at, asks := l.breaker.asks()
	switch {
	case l.stops.Suspended():
		return l.suspensionCare(now), l.changed
	case asks:
		return later(now, at), l.changed
	case now.Before(l.slowed):
		return l.slowed, l.changed
	default:
		return time.Time{}, l.changed
	}
}

// suspensionEnds gives when the suspension in force ends or is probed. The caller
// holds the lock.
func (l *Lane) suspensionEnds() time.Time {
	if until := l.stops.Suspension.Until; !until.IsZero() {
		return until
	}
	return l.careAt
}

// suspensionCare gives when the suspension in force next wants something: its
// flag written, its end, or a probe. The caller holds the lock.
func (l *Lane) suspensionCare(now time.Time) time.Time {
	at := l.suspensionEnds()
	if owed := l.owesAt(); !owed.IsZero() && owed.Before(at) {
		at = owed
	}
	return later(now, at)
}

// care does what the lane wants now.
func (w *Handler) care(ctx context.Context, probes backoff.BackOff) {
	s, suspended := w.Lane.Suspension()
	switch {
	case suspended && !s.Until.IsZero() && !w.Now().Before(s.Until):
		w.lift(ctx, s, "its time is over")
	case suspended && w.Lane.owes():
		w.flag(ctx, s)
	case suspended && !s.Until.IsZero():
		// Its time has not come.
	case suspended && w.Now().Before(w.Lane.caresAt()):
		// It came while the one before was waited for, and has a wait of its own.
	case suspended:
		if w.Lane.takeNewKey() {
			probes.Reset()
		}
		if w.probe(ctx, probeWithin, w.Provider.Probe) {
			probes.Reset()
			w.lift(ctx, s, "the provider accepts the key")
			return
		}
		w.Lane.careAgain(s, w.Now().Add(probes.NextBackOff()))
	case w.Lane.asks():
		begun := w.Now()
		ok := w.probe(ctx, reachWithin, w.Provider.ProbeReachable)
		w.Lane.breakerMoves(func(b *breaker) { b.asked(ok, begun, luck()) })
	default:
		w.Lane.reopened()
	}
}

// probe asks the provider something that rings nobody.
func (w *Handler) probe(ctx context.Context, within time.Duration, ask func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := ask(ctx)
	w.Metrics.Probed(metrics.ProbeLookup, err == nil)
	return err == nil
}

// lift ends a suspension for every worker. If the flag cannot be written, it is
// tried again.
func (w *Handler) lift(ctx context.Context, s call.Suspension, why string) {
	failpoint.Eval(failpoint.LiftBefore)
	if err := w.Control.Lift(ctx, w.Account, s); err != nil {
		w.Log.Warn("lifting a suspension failed", "account", w.Account, "error", err)
		w.Lane.careAgain(s, w.Now().Add(probeWithin))
		return
	}
	failpoint.Eval(failpoint.LiftAfter)
	w.Lane.lifted(s)
	w.Log.Info("the suspension is lifted", "account", w.Account, "reason", s.Reason, "why", why)
}

func (l *Lane) caresAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.careAt
}

// takeNewKey reports whether the key has changed since it was last asked.
func (l *Lane) takeNewKey() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := l.newKey
	l.newKey = false
	return changed
}

// careAgain puts off what this suspension wants, unless the key has changed
// meanwhile: what failed was asked with the one before.
func (l *Lane) careAgain(s call.Suspension, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	current := &l.stops.Suspension
	switch {
	case !l.stops.Suspended() || !current.Since.Equal(s.Since):
		// Another one, which came meanwhile, has a time of its own.
	case !current.Until.IsZero():
		current.Until = at
	case !l.newKey:
		l.careAt = at
	}
	l.tell()
}

func (l *Lane) asks() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.breaker.asks()
	return ok && !l.cfg.Now().Before(at)
}

// reopened lets whoever waits see that a pause is over.
func (l *Lane) reopened() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announce()
}

// probeWait is how long a suspension lasts before it is probed, whichever worker
// set it: where the probe passes and calls do not, workers would lift it for
// each other at once, for ever.
func probeWait(s call.Suspension) time.Duration {
	return doubling(probeFirst, probeMost, s.Times-1)
}

func newProbeBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(probeFirst), backoff.WithMaxInterval(probeMost),
		backoff.WithMaxElapsedTime(0),
	)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// OnKeyRotated probes a suspension at once: the key has changed.
func (l *Lane) OnKeyRotated() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.careAt, l.newKey = time.Time{}, true
	if l.stops.Suspended() && l.stops.Suspension.Reason == call.Unauthorized {
		l.announce()
	}
}
