package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringonce/ringonce/internal/reconcile"
)

// figures gathers what the trials came to, for the report.
var figures tally

type tally struct {
	mu    sync.Mutex
	lines map[string]string
	notes []string
}

const columns = "%-22v %8v %6v %5v %8v %15v %10v %14v %13v\n"

func (f *tally) add(name string, v reconcile.Report, stall time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lines == nil {
		f.lines = map[string]string{}
	}
	share := fmt.Sprintf("%d (%.1f %%)", v.Unknown, 100*float64(v.Unknown)/float64(max(1, v.Published)))
	f.lines[name] = fmt.Sprintf(columns, name, v.Published, v.Placed, v.DeadLetters(), share, v.Duplicates,
		len(v.RungTwice), len(v.Discrepancies), stall.Round(100*time.Millisecond))
}

// note adds a line of its own.
func (f *tally) note(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, line)
}

func (f *tally) line(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.TrimSpace(f.lines[name])
}

func (f *tally) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, columns, "", "requests", "placed", "dead", "unknown", "published twice", "rung twice", "contradictions", "longest stall")
	for _, name := range slices.Sorted(maps.Keys(f.lines)) {
		b.WriteString(f.lines[name])
	}
	for _, note := range f.notes {
		fmt.Fprintln(&b, note)
	}
	return b.String()
}
