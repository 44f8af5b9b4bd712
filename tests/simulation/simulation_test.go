package simulation

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats-server/v2/server/ats"
)

var (
	seeds = flag.Int("seeds", defaultSeeds, "how many seeds")
	first = flag.Uint64("seed", 1, "the first seed")
	logs  = flag.Bool("log", false, "show what the workers log")
)

func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

func TestThePromiseHolds(t *testing.T) {
	n := *seeds
	var all summary
	for seed := *first; seed < *first+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { simulate(t, seed, &all) })
	}
	t.Log(all)
	if n >= enoughSeeds && (all.placed == 0 || all.dead == 0 || all.unknown == 0 || all.duplicates == 0 || all.broken == 0) {
		t.Errorf("the plans do not meet everything that can happen: %s", all)
	}
}

// enoughSeeds are enough for every ending to come up.
const enoughSeeds = 20

// simulate goes through one seed. Seeds come one after another: the NATS client
// keeps timers in a pool of the process, and a timer of one bubble must not be
// met in another. Two collections empty the pool.
func simulate(t *testing.T, seed uint64, all *summary) {
	runtime.GC()
	runtime.GC()
	dir := t.TempDir()
	out := io.Writer(io.Discard)
	if *logs {
		out = t.Output()
	}
	synctest.Test(t, func(t *testing.T) {
		r := runPlan(t, dir, seed, slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		ended, wrong := r.check()
		all.add(r, ended)
		r.env.Close()
		if len(wrong) > 0 {
			t.Errorf("%s\n\n%s\nagain: go test ./tests/simulation -run TestThePromiseHolds -seed %d -seeds 1 -log",
				strings.Join(wrong, "\n"), r.history.String(), seed)
		}
	})
}
