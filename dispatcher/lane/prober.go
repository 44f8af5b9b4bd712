package lane

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/metrics"
)

const (
	probeTimeout = 10 * time.Second // of one probe of a suspension
	// reachTimeout is that of the question whether the provider answers at all:
	// shorter than the time until the next one.
	reachTimeout = 4 * time.Second
)

// step is what the prober does next.
type step int

const (
	stepNone        step = iota // nothing yet
	stepLift                    // lift the suspension: its time is over
	stepWriteFlag               // write the suspension's flag again
	stepProbeKey                // ask the provider whether it accepts the key
	stepProbeNewKey             // the same, for a key that has changed since
	stepProbeReach              // ask the provider whether it answers
	stepWake                    // the throttle is over
)

// prober does what a lane has to do at certain times.
type prober struct {
	lane   *Lane
	delays backoff.BackOff // between probes of a suspension
}

// RunProbes runs until ctx ends. It lifts suspensions whose time is over or whose
// probe passes, writes flags that could not be written, and while the breaker is
// open it asks the provider something harmless before one call is risked. It
// rings no phone.
func (l *Lane) RunProbes(ctx context.Context) {
	p := newProber(l)
	for {
		at, changed := p.next()
		var timer <-chan time.Time
		if at.IsZero() {
			p.delays.Reset()
		} else {
			timer = time.After(at.Sub(l.cfg.Now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer:
			p.run(ctx)
		}
	}
}

func newProber(l *Lane) *prober {
	return &prober{lane: l, delays: retry.NewBackoff(initialProbeDelay, maxProbeDelay)}
}

// next returns when the prober next has something to do; zero if nothing.
func (p *prober) next() (time.Time, <-chan struct{}) {
	l := p.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	l.reportStatus()
	at, waits := l.breaker.nextReachability()
	switch {
	case l.suspension.current.InForce():
		return latest(now, l.suspension.nextAt()), l.changed
	case waits:
		return latest(now, at), l.changed
	case l.blocks.throttled(now):
		return l.blocks.throttledUntil, l.changed
	default:
		return time.Time{}, l.changed
	}
}

// due returns what to do now, and for which suspension.
func (p *prober) due() (step, call.Suspension) {
	l := p.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	at, waits := l.breaker.nextReachability()
	switch {
	case l.suspension.current.InForce():
		return l.suspension.due(now), l.suspension.current
	case waits && !now.Before(at):
		return stepProbeReach, call.Suspension{}
	default:
		return stepWake, call.Suspension{}
	}
}

// run does what is due.
func (p *prober) run(ctx context.Context) {
	l := p.lane
	switch step, s := p.due(); step {
	case stepNone:
	case stepLift:
		p.lift(ctx, s, "its time is over")
	case stepWriteFlag:
		l.writeFlag(ctx, s)
	case stepProbeNewKey:
		p.delays.Reset()
		fallthrough
	case stepProbeKey:
		if !p.probe(ctx, probeTimeout, l.cfg.Provider.Probe) {
			p.postpone(s, p.delays.NextBackOff())
			return
		}
		p.delays.Reset()
		p.lift(ctx, s, "the provider accepts the key")
	case stepProbeReach:
		begun := l.cfg.Now()
		ok := p.probe(ctx, reachTimeout, l.cfg.Provider.ProbeReachable)
		l.update(func(time.Time) bool {
			l.breaker.onReachability(ok, begun, jitter())
			return false
		})
	case stepWake:
		l.update(func(time.Time) bool { return true })
	}
}

// probe asks the provider something that rings no phone.
func (p *prober) probe(ctx context.Context, timeout time.Duration, ask func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := ask(ctx)
	p.lane.cfg.Metrics.Probed(metrics.ProbeLookup, err == nil)
	return err == nil
}

// lift ends a suspension for every worker, or puts that off if the flag cannot
// be written.
func (p *prober) lift(ctx context.Context, s call.Suspension, why string) {
	l := p.lane
	if err := l.ports.Control.Lift(ctx, l.cfg.Account, s); err != nil {
		l.cfg.Log.Warn("lifting a suspension failed", "account", l.cfg.Account, "error", err)
		p.postpone(s, probeTimeout)
		return
	}
	l.update(func(time.Time) bool { return l.suspension.lift(s) })
	l.cfg.Log.Info("the suspension is lifted", "account", l.cfg.Account, "reason", s.Reason, "why", why)
}

// postpone puts off the next step of a suspension.
func (p *prober) postpone(s call.Suspension, delay time.Duration) {
	p.lane.update(func(now time.Time) bool {
		p.lane.suspension.postpone(s, now.Add(delay))
		return false
	})
}

// OnKeyRotated probes a suspension at once: the key has changed.
func (l *Lane) OnKeyRotated() {
	l.update(func(time.Time) bool { return l.suspension.rotateKey() })
}
