package lane

import (
	"testing"
	"time"
)

func TestPrefetch(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name  string
		took  time.Duration
		since time.Duration
		want  int
	}{
		{"none has ended", 0, 0, 0},
		{"at once", 100 * time.Microsecond, 0, 16},
		{"quick", 50 * ms, 0, 6},
		{"slow", time.Second, 0, 0},
		{"quick, but none has ended lately", 50 * ms, 400 * ms, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p prefetch
			if c.took > 0 {
				p.onPostEnded(noon, c.took)
			}
			if got := p.allowance(noon.Add(c.since), 64); got != c.want {
				t.Errorf("%d ahead, want %d", got, c.want)
			}
		})
	}
}
