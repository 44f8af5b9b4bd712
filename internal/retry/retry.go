// Package retry waits before something that failed is tried again.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// NewBackoff returns delays that grow from initial to longest without end, give or
// take a half, so that a restarted broker is not met by every worker at once.
func NewBackoff(initial, longest time.Duration) backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(initial), backoff.WithMaxInterval(longest), backoff.WithMaxElapsedTime(0),
	)
}

// Sleep waits for d, and reports whether it did: false if ctx ended before.
func Sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
