// Package simulation tries the promise on fake time: a seed makes a plan of
// requests, provider faults, outages, worker stops, kills and partitions, and
// broker restarts; the real worker, the real broker and the simulated provider
// live through it; then three independent sources are
// compared: what was published, what rang, and what the records say.
//
// A seed always makes the same plan. What the goroutines make of it can differ
// from run to run, so that a seed that failed once is worth running again.
package simulation
