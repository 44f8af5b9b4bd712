package cli

import (
	"runtime/debug"
	"testing"

	"github.com/ringonce/ringonce/configs"
)

func TestGCFollowsTheConfiguration(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	percent := debug.SetGCPercent(100)
	defer func() {
		debug.SetMemoryLimit(before)
		debug.SetGCPercent(percent)
	}()
	c := configs.Config{Accounts: map[string]configs.Account{"a": {Concurrency: 64}, "b": {Concurrency: 2}}}
	const want = 48<<20 + 2*(256<<10) + 66*(32<<10)

	tuneGC([]string{"GOGC=50", "GOMEMLIMIT=1GiB"}, c)
	if limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100); limit != before || percent != 100 {
		t.Errorf("what the environment says is overridden: %d, %d %%", limit, percent)
	}
	tuneGC(nil, c)
	if limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100); limit != want || percent != 300 {
		t.Errorf("%d bytes, %d %%; want %d", limit, percent, want)
	}
}
