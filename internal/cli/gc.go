package cli

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/ringonce/ringonce/configs"
)

// What a worker's memory goes into, generously: itself, each account (most of it
// series of metrics), and each call in flight with its connection.
const (
	memoryOfWorker  = 48 << 20
	memoryOfAccount = 256 << 10
	memoryOfCall    = 32 << 10
)

// tuneGC lets the heap grow to four times what lives in it before it is
// collected: with few accounts that is some MiB, and a collection for every few
// hundred calls is not worth them. Nearing what this configuration can need it
// collects more often instead. GOGC and GOMEMLIMIT still say what they say.
func tuneGC(environ []string, c configs.Config) {
	const percent = 300
	set := func(name string) bool {
		return slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	}
	if !set("GOGC") {
		debug.SetGCPercent(percent)
	}
	if !set("GOMEMLIMIT") {
		debug.SetMemoryLimit(memoryFor(c))
	}
}

// memoryFor is how many bytes a worker should do with. It is where collecting
// becomes frequent, not where anything fails.
func memoryFor(c configs.Config) int64 {
	need := int64(memoryOfWorker)
	for _, a := range c.Accounts {
		need += memoryOfAccount + int64(a.Concurrency)*memoryOfCall
	}
	return need
}
