package simulation

import (
	"fmt"
	"time"
)

// summary is what many seeds came to.
type summary struct {
	outcomes
	seeds, broken, operated int
	lossy, lost             int
	paused, limited         int
	simulated               time.Duration
	results                 map[string]int // POSTs by what the provider did with them
}

func (s *summary) add(r *run, ended outcomes) {
	s.seeds++
	if r.plan.broken {
		s.broken++
	}
	if r.plan.operators {
		s.operated++
	}
	if r.plan.lossy {
		s.lossy++
	}
	s.lost += r.lost
	if r.plan.rate > 0 {
		s.limited++
	}
	if len(r.paused) > 0 {
		s.paused++
	}
	s.simulated += time.Since(r.began)
	s.placed += ended.placed
	s.dead += ended.dead
	s.unknown += ended.unknown
	s.duplicates += ended.duplicates
	s.posts += ended.posts
	if s.results == nil {
		s.results = map[string]int{}
	}
	for name, n := range r.env.Simulator.Oracle().Summary.Results {
		s.results[name] += n
	}
}

func (s summary) String() string {
	requests := s.placed + s.dead + s.unknown + s.duplicates
	faults := 0
	for name, n := range s.results {
		if name != "accepted" {
			faults += n
		}
	}
	return fmt.Sprintf("%d seeds, %.0f simulated hours; in %d of them workers or the broker were broken, in %d operators were at work, in %d accounts were paused, in %d they had a limit, "+
		"in %d the broker lost what was parked (%d calls, all found by the audit); "+
		"%d requests: %d placed, %d dead, %d unknown (%.1f %%), %d duplicates; %d POSTs, of which %d met one of %d faults",
		s.seeds, s.simulated.Hours(), s.broken, s.operated, s.paused, s.limited, s.lossy, s.lost,
		requests, s.placed, s.dead, s.unknown, 100*float64(s.unknown)/float64(max(requests, 1)), s.duplicates,
		s.posts, faults, len(s.results)-1)
}
