package app

import (
	"testing"
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
		if got := rest(c.distance, c.took); got != c.want {
			t.Errorf("every %s, a look of %s: %s, want %s", c.distance, c.took, got, c.want)
		}
	}
}
