// Package call is the vocabulary of ringonce: the request of a publisher, the
// outcome of an attempt, and the record that holds the state of a call.
//
// A [Request] arrives as JSON from an untrusted publisher and is decoded into a
// validated value. Each POST for it is an [Attempt]; its [Outcome] has a [Class]
// (what to do) and a [Reason] (why). The [Record] of a call holds its [State],
// its attempts and a [Digest] of the request, and changes only by the transitions
// below. The package is pure: it reads no clock, keeps no state and touches no
// network, so that tables of tests cover every rule about a person's phone.
//
//	            ┌────────── refused, suspended ──────────┐
//	            ▼                                        │
//	absent ──► waiting ──► dialling(n, nonce) ──► placed (final)
//	  │         │  ▲            │   │
//	  │         │  │            │   └─► unknown ──► placed    (it rang)
//	  │         │  └────────────┼─────────┘         waiting   (proof that it did not)
//	  │         │               ▼
//	  ├─────────┴────────────► dead (final; a replay reopens it)
//	  └──────────────────────► cancelled (final; from waiting too)
package call
