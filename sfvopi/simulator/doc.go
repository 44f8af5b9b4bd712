// Package simulator is an HTTP server that speaks the provider's contract, fails
// on demand, and records which phones really rang.
//
// It exists because the provider offers no sandbox and no idempotency key: the
// only way to prove that no phone rings twice is to take the provider's
// place and count. So the package has three parts that meet in one request:
//
//   - the world: organisations with API keys, apps and numbers, as the
//     provider's documentation describes them, changeable while it runs;
//   - the faults: a closed catalogue ([Faults]) of everything the provider, or a
//     gateway in front of it, may answer or fail to answer. A [Rule] or a magic
//     callee chooses one. Each entry says whether the phone rings all the same,
//     which is the one thing a caller cannot see. Hooks have faults of their own
//     ([HookFaults]): lost, doubled, swapped, late, early, or unreadable;
//   - the oracle: for every identity (organisation, callee, answer URL) each
//     POST that arrived, each call that went out and how it ended, and each
//     webhook with what it was answered; and for every organisation how many
//     calls were open at once.
//
// A POST is authenticated, read, checked, rate limited and matched to an ACTIVE
// app, in this order, and only then can a fault apply. So a fault applies
// only to requests that would have been accepted, and "rang" never hides a request
// that was wrong. (The faults marked unread are the exception: they apply
// before the body is read.)
//
// An accepted call is recorded before its answer is sent and before any latency:
// a client that gives up early has rung the phone. That is the strict choice,
// and the one that finds redials.
//
// The package imports nothing else of this module, so that a misunderstanding of
// the contract cannot cancel itself out in tests. Time comes only from package
// time, handlers watch their request's context, and every goroutine is waited
// for by [Simulator.Close]: it runs unchanged in a testing/synctest bubble over
// net.Pipe.
package simulator
