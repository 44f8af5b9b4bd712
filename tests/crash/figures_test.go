package crash

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ringonce/ringonce/internal/reconcile"
)

// figures gathers what the trials came to, for the report.
var figures tally

type tally struct {
	mu       sync.Mutex
	lines    []string
	sums     map[string]*sum
	compared string
}

type sum struct{ trials, requests, placed, dead, unknown, duplicates, twice, wrong int }

func (f *tally) trial(c trial, v reconcile.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, fmt.Sprintf("%-42s %2d requests: %2d placed, %d dead, %d unknown, %d published twice",
		c.name(), v.Published, v.Placed, v.DeadLetters(), v.Unknown, v.Duplicates))
	if f.sums == nil {
		f.sums = map[string]*sum{"kill": {}, "stop": {}}
	}
	s := f.sums[c.action]
	s.trials++
	s.requests += v.Published
	s.placed += v.Placed
	s.dead += v.DeadLetters()
	s.unknown += v.Unknown
	s.duplicates += v.Duplicates
	s.twice += len(v.RungTwice)
	s.wrong += len(v.Discrepancies)
}

// add sums up what trials of one worker came to.
func (f *tally) add(to *result, c result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	to.requests += c.requests
	to.rang += c.rang
	to.twice += c.twice
	to.maxRings = max(to.maxRings, c.maxRings)
	to.byCrashAlone += c.byCrashAlone
	to.unknown += c.unknown
	to.lost += c.lost
}

func (f *tally) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	slices.Sort(f.lines)
	for _, line := range f.lines {
		fmt.Fprintln(&b, line)
	}
	for _, action := range []string{"kill", "stop"} {
		if s := f.sums[action]; s != nil {
			fmt.Fprintf(&b, "\n%s: %d trials, %d requests: %d placed, %d dead, %d held as unknown, %d published twice; %d rung twice, %d contradictions\n",
				action, s.trials, s.requests, s.placed, s.dead, s.unknown, s.duplicates, s.twice, s.wrong)
		}
	}
	b.WriteString(f.compared)
	return b.String()
}
