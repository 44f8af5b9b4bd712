package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestRest(t *testing.T) {
	for _, c := range []struct{ distance, took, want time.Duration }{
		{10 * time.Second, 0, 10 * time.Second},
		{10 * time.Second, 10 * time.Millisecond, 9990 * time.Millisecond},
		{10 * time.Second, 400 * time.Millisecond, 20 * time.Second},
		{10 * time.Second, 10 * time.Second, time.Minute},
		{5 * time.Minute, 10 * time.Second, 290 * time.Second},
		{time.Second, time.Millisecond, 999 * time.Millisecond},
	} {
		if got := pauseAfter(c.distance, c.took); got != c.want {
			t.Errorf("every %s, a look of %s: %s, want %s", c.distance, c.took, got, c.want)
		}
	}
}

// TestALookThatFailedIsRepeatedSoon although it took long: a minute later the
// broker has long had its leader again.
func TestALookThatFailedIsRepeatedSoon(t *testing.T) {
	for _, whole := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			began := time.Now()
			looks := 0
			runEvery(ctx, 10*time.Second, func(bounded context.Context) bool {
				looks++
				if looks == 2 {
					stop()
					return true
				}
				<-bounded.Done()
				return whole
			})
			want := monitorTimeout + monitorRetryDelay
			if whole {
				want = monitorTimeout + maxPause
			}
			if after := time.Since(began); looks != 2 || after != want {
				t.Errorf("%d looks, the second after %s, want %s", looks, after, want)
			}
		})
	}
}
