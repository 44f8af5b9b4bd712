// Package retry waits before the broker is asked again.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// NewBackoff returns delays that grow from 100 ms to 5 s, give or take a half, so
// that a restarted broker is not met by every worker at once.
func NewBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}

// Sleep waits for d, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
