package simulator

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestBusiestSecond is compared with a count of every second there is.
func TestBusiestSecond(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var p peakMeter
		var all []time.Time
		at := start
		for range 60 {
			at = at.Add(time.Duration(r.IntN(150)) * time.Millisecond)
			all = append(all, at)
		}
		for i := range len(all) / 10 { // neighbours change places
			all[10*i], all[10*i+1] = all[10*i+1], all[10*i]
		}
		for _, at := range all {
			p.add(at)
		}
		most := 0
		for _, from := range all {
			n := 0
			for _, at := range all {
				if d := at.Sub(from); d >= 0 && d < time.Second {
					n++
				}
			}
			most = max(most, n)
		}
		if p.peak.Posts != most {
			t.Fatalf("%d in the busiest second, want %d", p.peak.Posts, most)
		}
	}
}

func TestTheSummaryTellsTheBusiestSecond(t *testing.T) {
	for _, countsOnly := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := overPipe(t, Config{CountsOnly: countsOnly})
			for i := range 12 {
				if i == 5 {
					<-time.After(time.Minute)
				}
				callee, want := testCallee, http.StatusCreated
				if i%2 == 1 {
					callee, want = "nobody", http.StatusBadRequest
				}
				if got := p.call(callee); got.status != want {
					t.Errorf("answered %d, want %d", got.status, want)
				}
				<-time.After(200 * time.Millisecond)
			}
			busiest := p.Oracle().Summary.BusiestSecond[DefaultOrganisation]
			if busiest.Posts != 5 || busiest.From.IsZero() {
				t.Errorf("%+v", busiest)
			}
			p.Reset()
			if n := len(p.Oracle().Summary.BusiestSecond); n != 0 {
				t.Errorf("%d organisations after a reset", n)
			}
		})
	}
}
