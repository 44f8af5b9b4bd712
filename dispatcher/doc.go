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
// What one worker may dial for one account, and when, is decided by a
// [lane.Lane].
package dispatcher
