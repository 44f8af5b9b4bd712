// Package dispatcher handles requests: from the message that asks for a call to
// the one ending that its record keeps.
//
//	delivery ─► identify ─► decide ─┬─► linked? ─► permit ─► claim ─► POST ─► outcome ─┐
//	                          ▲     ├─► end, park, schedule or dead letter again ──────┤
//	                          │     ├─► wait for another worker's claim, then unknown ─┤
//	                          │     └─► acknowledge, or nak                            ▼
//	  the record has changed ─┘                               finish: record, effects, ack
//
// Deciding is pure: a delivery, its record or the assumption of one, and the time
// go in, and one decision comes out (identify, decide, nextRecord). [Handler]
// executes decisions in one switch. A worker that loses a compare-and-set reads
// the record and decides again.
//
// Every delivery ends the same way: the record, then what belongs to it, then the
// acknowledgement. Before a claim a step that fails is left to the next delivery;
// after one it is tried again, because only this worker knows the outcome.
//
// What one worker may dial for one account, and when, is decided by a
// [lane.Lane].
package dispatcher
