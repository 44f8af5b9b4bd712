package cluster

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	extent = flag.String("extent", "few", "how many trials: few, sample or all")
	report = flag.String("report", "", "a file to write the figures to")
)

// ringonce is the program under trial, built once.
var ringonce string

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeVariable); text != "" {
		if err := runNode(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringonce-cluster-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the directory for temporary files
	ringonce = filepath.Join(dir, "ringonce")
	build := exec.Command("go", "build", "-o", ringonce, "github.com/ringonce/ringonce/cmd/ringonce")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program under trial:", err)
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

// No phone rings twice and no request is forgotten, whatever becomes of the
// brokers.
func TestThePromiseHoldsWhateverBecomesOfTheBrokers(t *testing.T) {
	chosen := plan(*extent)
	if len(chosen) == 0 {
		t.Fatalf("-extent is few, sample or all, not %q", *extent)
	}
	for _, c := range chosen {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t)
			c.during(env)
			env.awaitRequests(40)
			env.awaitIdle()
			v := env.check()
			figures.add(c.name, v, env.stall())
			t.Logf("%s", figures.line(c.name))
			if !v.OK() {
				t.Errorf("rung twice: %v\ncontradictions: %v\n%s", v.RungTwice, v.Discrepancies, env.history())
			}
		})
	}
}
