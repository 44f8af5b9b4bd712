// Package call is the vocabulary of ringonce: what a publisher asks for, what
// an attempt at it can come to, and the one record that says how far it got.
//
// A [Request] comes in as JSON from a publisher we do not trust and leaves as
// a checked value. Dialling it is an attempt; what an attempt came to is an
// [Outcome], which has a [Class] (what we do about it) and a [Reason] (why).
// The [Record] of a call holds its [State], every attempt, and a digest of the
// request, and it changes only by the transitions below. The package is pure:
// it reads no clock, keeps no state and touches no network, so that every rule
// about a person's phone can be tested as a table.
//
//	            ┌────────── refused, suspended ──────────┐
//	            ▼                                        │
//	absent ──► waiting ──► dialling(n, nonce) ──► placed (final)
//	  │         │  ▲            │   │
//	  │         │  │            │   └─► unknown ──► placed    (it rang)
//	  │         │  └────────────┼─────────┘         waiting   (proof that it did not)
//	  │         │               ▼
//	  ├─────────┴────────────► dead (final; a replay opens it again)
//	  └──────────────────────► cancelled (final; from waiting too)
package call
