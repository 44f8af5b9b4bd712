// Package lane decides what one worker may dial for one account, and when.
//
// A [Lane] starts closed. It opens once the control flags are known, the call
// records are verified and the linkage directory has been fetched. The worker
// waits for [Lane.WaitCapacity] before it pulls requests, and acquires a
// [Permit] for each request that it pulls. The permit waits for a POST slot and
// a slot of the account's rate, and reports what the call came to.
//
// The lane composes these parts. Each is a state machine without a lock, a
// clock or a goroutine of its own; the lane's one mutex guards them all.
//
//	blocks        shutdown, halt, unknown flags or numbers, pauses, throttle
//	suspension    the provider refuses the account: lifted by time or a probe
//	breaker       the provider refuses or hangs: probe, then a ramp
//	pacer         reserved slots of calls_per_second, and how long claims take
//	prefetch      how many requests to pull ahead of free POST slots
//	recheckTimes  when requests from paused caller IDs are looked at again
//
// [Lane.RunProbes] is the lane's one loop: it lifts suspensions, writes flags
// that could not be written, and probes the provider while the breaker is open.
// The workers of an account spare each other such probes: see [PeerNotifier].
package lane
