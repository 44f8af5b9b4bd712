// Package dispatcher is the life of a request: from the message that asks for
// a call to the one ending that its record keeps.
//
//	delivery ──► identify ──► decide ──► do
//	                            │
//	      ┌──────────┬──────────┼────────────┬───────────────┐
//	      ▼          ▼          ▼            ▼               ▼
//	     end       park       claim     foreign claim   settle again, or
//	  dead letter  schedule     │       wait, then      just acknowledge
//	      │          │          ▼       unknown
//	      │          │    POST, once         │
//	      │          │          │            │
//	      │          │       conclude        │
//	      ▼          ▼          ▼            ▼
//	     always: the record, then the effect, then the acknowledgement
//
// Deciding ([Handler.Handle] calls decide and conclude) is pure: a record or its
// absence, a delivery and the time go in, one step comes out. Doing is one
// switch over the steps. Whoever loses a compare-and-set reads the record and
// decides again; nobody assumes.
//
// What one worker does for one account is a [Lane]: how many calls may be in
// flight, at what pace, whether the account is stopped, and a breaker that
// stops dialling when the provider does not answer.
//
//	running ──► open (refusals in a row, or unknowns in a row)
//	   ▲          │ a delay, and something harmless that is answered
//	   │          ▼
//	   └────── probing (one real call), then a ramp
//
// The workers of an account spare each other such probes: see [PeerNotifier].
package dispatcher
