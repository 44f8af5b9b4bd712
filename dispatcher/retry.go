package dispatcher

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/internal/retry"
)

const (
	// settleTimeout bounds how long a worker that has to stop goes on recording
	// outcomes: what is known of a person's phone must not be lost to a signal.
	settleTimeout = 20 * time.Second
	// maxSettle bounds it while the worker goes on: a broker that is away for
	// longer costs evidence, and a record that cannot be written costs a slot.
	maxSettle = time.Hour
	// warnAfter is after how many failed tries a warning is logged: about a
	// minute's, longer than a broker takes to find a leader.
	warnAfter = 20
)

// detach returns a context that ends some time after workCtx does.
func detach(workCtx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(workCtx), maxSettle)
	stop := context.AfterFunc(workCtx, func() {
		last := time.NewTimer(settleTimeout)
		defer last.Stop()
		select {
		case <-ctx.Done():
		case <-last.C:
			cancel()
		}
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// retrier waits between tries. Most endings need no second try, and then it
// costs nothing.
type retrier struct {
	delays backoff.BackOff
	failed int // tries, where they are counted
}

// pause waits before the next try, and reports whether there is one.
func (r *retrier) pause(ctx context.Context) bool {
	if r.delays == nil {
		r.delays = retry.NewBackoff(50*time.Millisecond, 2*time.Second)
	}
	return retry.Sleep(ctx, r.delays.NextBackOff())
}
