package lane

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
)

// Provider answers requests that ring no phone: Probe whether it accepts the key,
// ProbeReachable whether it answers at all.
type Provider interface {
	Probe(ctx context.Context) error
	ProbeReachable(ctx context.Context) error
}

// Ports are what a lane reaches through the broker. Limiter is nil without a
// limit.
type Ports struct {
	Control Control
	Peers   PeerNotifier
	Limiter RateLimiter
}

// Control stores the suspension flag of an account, for all workers.
type Control interface {
	// Suspend returns the suspension that is then in force: this one, or another
	// that it does not supersede.
	Suspend(ctx context.Context, a call.Account, s call.Suspension) (held call.Suspension, err error)
	Lift(ctx context.Context, a call.Account, s call.Suspension) error
	ClearLifted(ctx context.Context, a call.Account) error
}

// PeerNotifier publishes to the other workers of an account. Events may be lost.
type PeerNotifier interface {
	Notify(a call.Account, e call.PeerEvent) error
}

// RateLimiter is one account's part in a limit that all workers share. Reserve
// returns slots at which one call each may be begun: about n of them, none much
// later than ahead from now. If they are fewer, retryAt is when to ask again.
type RateLimiter interface {
	Reserve(ctx context.Context, n int, ahead time.Duration) (slots []time.Time, retryAt time.Time, err error)
}
