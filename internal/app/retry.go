package app

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// newBackoff returns delays that grow from 100 ms to longest, without end.
func newBackoff(longest time.Duration) backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(longest),
		backoff.WithMaxElapsedTime(0),
	)
}

// sleep waits for d, and reports whether it did: false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
