package dispatcher

import (
	"math/rand/v2"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// observed tells the lane and the other workers what an attempt came to. A probe
// that is refused spends no attempt: it was made to find out about the provider,
// and while nobody's calls go through, nothing is held against this one.
func (w *Handler) observed(turn *Permit, o call.Outcome) call.Outcome {
	found := turn.Report(o)
	if turn.tripped {
		w.Log.Warn("the provider does not take calls; nothing is dialled until it does", "account", w.Account, "last", o.Reason)
	}
	switch found {
	case call.ProbeSucceeded:
		w.Metrics.Probed(metrics.ProbeCall, true)
		w.Log.Info("the provider takes calls again", "account", w.Account)
	case call.ProbeRefused:
		w.Metrics.Probed(metrics.ProbeCall, false)
		o.Unspent = true
	case call.ProbeAmbiguous:
		w.Metrics.Probed(metrics.ProbeCall, false)
	case call.ProbeStarted, call.Throttled:
	default:
		return o
	}
	w.inform(call.PeerEvent{Kind: found})
	return o
}

// inform tells the other workers. Who does not hear it finds out by itself.
func (w *Handler) inform(f call.PeerEvent) {
	if err := w.Peers.Notify(w.Account, f); err != nil {
		w.Log.Debug("the other workers were not told", "account", w.Account, "finding", f.Kind, "error", err)
	}
}

// OnPeerEvent takes in what another worker of the account found out.
func (w *Handler) OnPeerEvent(f call.PeerEvent) {
	if f.Kind == call.Throttled {
		w.Lane.slow(w.Now().Add(f.Delay), f.Reason)
		return
	}
	w.Lane.breakerMoves(func(b *breaker) { b.hear(f.Kind, w.Now(), luck()) })
}

// breakerMoves changes the breaker, wakes whoever waits for it if it then stands
// otherwise, and reports whether it opened.
func (l *Lane) breakerMoves(change func(*breaker)) (opened bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.breaker
	change(&l.breaker)
	after := l.breaker
	if before.open != after.open || before.answers != after.answers || !before.until.Equal(after.until) {
		l.announce()
	}
	l.tell()
	return after.open && !before.open
}

// luck spreads what many workers would do at once.
func luck() float64 {
	return rand.Float64() //nolint:gosec // spreads load, guards nothing
}
