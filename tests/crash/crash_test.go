package crash

import (
	"flag"
	"fmt"
	"os"
	"testing"

	fp "github.com/ringonce/ringonce/internal/failpoint"
)

var (
	extent = flag.String("extent", "few", "how many trials: few, sample or all")
	report = flag.String("report", "", "a file to write the figures to")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringonce-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the directory for temporary files
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs under trial:", err)
		return 1
	}
	code := m.Run()
	if *report != "" {
		if err := os.WriteFile(*report, []byte(figures.String()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

func TestEveryPointIsTried(t *testing.T) {
	for _, extent := range []string{"all", "sample"} {
		tried := map[fp.Point]map[string]bool{}
		for _, c := range plan(extent) {
			if tried[c.point] == nil {
				tried[c.point] = map[string]bool{}
			}
			tried[c.point][c.action] = true
		}
		for _, p := range fp.All() {
			if n := len(tried[p]); n == 0 || (extent == "all" && n != 2) {
				t.Errorf("%s: a worker is killed and stopped at %s: %v", extent, p, tried[p])
			}
		}
	}
}

// No phone rings twice and no request is forgotten, wherever a worker dies.
func TestThePromiseHoldsWhereverAWorkerDies(t *testing.T) {
	trials := plan(*extent)
	if len(trials) == 0 {
		t.Fatalf("-extent is few, sample or all, not %q", *extent)
	}
	for _, c := range trials {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c trial) run(t *testing.T) {
	env := newEnvironment(t)
	env.publish(c.batch)
	if c.before != "" {
		p := env.worker("before", c.before)
		p.AwaitFailpoint(c.before, "kill")
	}
	a := env.worker("A", c.failpoints())
	if c.late {
		a.AwaitFailpoint(string(fp.OutcomeKnown), "stop")
		holder := env.worker("holder", "")
		env.AwaitDrained()
		holder.Terminate()
		a.Resume()
	}
	a.AwaitFailpoint(string(c.point), c.action)
	b := env.worker("B", "")
	env.AwaitDrained()
	if c.action == "stop" {
		a.Resume()
		env.awaitIdle(a)
		a.Terminate()
		env.AwaitDrained()
	}
	env.awaitIdle(b)
	b.Terminate()

	v := env.check()
	if !v.OK() {
		t.Errorf("rung twice: %v\ncontradictions: %v\n%s", v.RungTwice, v.Discrepancies, history(a, b))
	}
	figures.trial(c, v)
}
