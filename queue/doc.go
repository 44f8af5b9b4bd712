// Package queue is all that touches NATS JetStream: the streams and who writes
// them, the messages that workers pull, the records of calls, parking, dead
// letters and the control bucket.
//
//	publishers
//	    │ calls.requests.<account>[.<priority>]
//	    ▼
//	┌──────────────┐
//	│ CALLS_URGENT │
//	├──────────────┤   pull   ┌────────┐  compare-and-set   ┌──────────────┐
//	│ CALLS        ├─────────►│ worker ├───────────────────►│ CALL_RECORDS │
//	├──────────────┤          └┬──▲───┬┘                    └──────────────┘
//	│ CALLS_BULK   │           │  │   │ bury: a dead letter
//	└──────────────┘           │  │   ▼
//	          park: a schedule │  │  ┌────────────┐
//	          calls.parked.…   ▼  │  │ CALLS_DEAD │
//	               ┌──────────────┤  └────────────┘
//	               │ CALLS_PARKED ├─┘
//	               └──────────────┘
//	                 calls.due.… (what a schedule fires)
//
// Three rules run through it. Every effect is idempotent by its subject: one
// record, one schedule and one dead letter per call, so that doing it again
// after a lost answer changes nothing. No publish of ours carries a
// Nats-Msg-Id, because the broker answers a duplicate with success and forgets
// the message. And "I could not read it" never means "it is not there".
package queue
