// Package ratelimit holds an account's calls per second over all workers.
//
// Time is cut into windows of 200 ms, and an account's limit into slots at equal
// distances, the same for every worker (the grid). Each window has a counter at
// the broker. A worker that wants to call adds n to it; the n numbers below the
// value that the broker returns are its slots, and no other worker's:
//
//	window     0 ms ──────────────────────────────────────── 200 ms
//	slots      0         1         2         3         4
//	           worker a            worker b            worker a
//	           adds 2, gets 2      adds 2, gets 4      adds 1, gets 5
//
// No slot is returned, and no worker asks another. Without the broker there are
// no slots, and so no calls.
//
// All of this needs counters that never return a number twice. They are lost
// when the stream is deleted, or when a broker that keeps it in memory restarts.
// A reconnect, a failed addition, a sequence that goes back or another creation
// time of the stream shows it; after each of these, and at the start, the limiter
// skips the windows whose slots may have been reserved before.
package ratelimit
