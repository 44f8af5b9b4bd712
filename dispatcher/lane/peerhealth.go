package lane

import (
	"math/rand/v2"
	"time"

	"github.com/ringonce/ringonce/call"
)

// NotifyPeers publishes to the other workers of the account. Those that do not
// receive it find out by themselves.
func (l *Lane) NotifyPeers(e call.PeerEvent) {
	if err := l.ports.Peers.Notify(l.cfg.Account, e); err != nil {
		l.cfg.Log.Debug("the other workers were not notified", "account", l.cfg.Account, "event", e.Kind, "error", err)
	}
}

// OnPeerEvent is called with what another worker of the account found out.
func (l *Lane) OnPeerEvent(e call.PeerEvent) {
	l.update(func(now time.Time) bool {
		if e.Kind == call.Throttled {
			return l.blocks.throttle(now.Add(e.Delay), e.Reason)
		}
		l.breaker.onPeerEvent(e.Kind, now, jitter())
		return false
	})
}

// jitter spreads what many workers would do at once.
func jitter() float64 {
	return rand.Float64() //nolint:gosec // spreads load, guards nothing
}
