package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPauseAfter(t *testing.T) {
	for _, c := range []struct{ distance, took, want time.Duration }{
		{10 * time.Second, 0, 10 * time.Second},
		{10 * time.Second, 10 * time.Millisecond, 9990 * time.Millisecond},
		{10 * time.Second, 400 * time.Millisecond, 20 * time.Second},
		{10 * time.Second, 10 * time.Second, time.Minute},
		{5 * time.Minute, 10 * time.Second, 290 * time.Second},
		{time.Second, time.Millisecond, 999 * time.Millisecond},
	} {
		if got := pauseAfter(c.distance, c.took); got != c.want {
			t.Errorf("every %s, a run of %s: %s, want %s", c.distance, c.took, got, c.want)
		}
	}
}

// TestFailedRunIsRetriedSoon although it took long: a minute later the broker has
// long had its leader again.
func TestFailedRunIsRetriedSoon(t *testing.T) {
	for _, ok := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			began := time.Now()
			runs := 0
			runPeriodically(ctx, 10*time.Second, func(bounded context.Context) bool {
				runs++
				if runs == 2 {
					stop()
					return true
				}
				<-bounded.Done()
				return ok
			})
			want := monitorTimeout + monitorRetryDelay
			if ok {
				want = monitorTimeout + maxPause
			}
			if after := time.Since(began); runs != 2 || after != want {
				t.Errorf("%d runs, the second after %s, want %s", runs, after, want)
			}
		})
	}
}
