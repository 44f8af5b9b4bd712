package cli

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/ringonce/ringonce/configs"
)

// Generous estimates of a worker's memory: the process, each account (mostly series
// of metrics), and each call in progress with its connection.
const (
	memoryOfWorker  = 48 << 20
	memoryOfAccount = 256 << 10
	memoryOfCall    = 32 << 10
)

// tuneGC collects garbage when the heap is four times what is live: with few
// accounts that is some MiB, and a collection for every few hundred calls costs CPU
// time. Near the memory that the configuration needs it collects more often. GOGC
// and GOMEMLIMIT override this.
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

// memoryFor estimates a worker's memory in bytes. It is a soft limit: beyond it the
// collector runs often, and nothing fails.
func memoryFor(c configs.Config) int64 {
	need := int64(memoryOfWorker)
	for _, a := range c.Accounts {
		need += memoryOfAccount + int64(a.Concurrency)*memoryOfCall
	}
	return need
}
