// Package queue is the connection to NATS JetStream: streams and subjects, call
// records, schedules and dead letters. Its subpackages pull requests (pull), limit
// calls per second (ratelimit), hold the flags that stop accounts (control), watch
// over the records (rollback), and serve operators (admin, backlog).
//
//	publishers
//	    │ calls.requests.<account>[.<priority>]
//	    ▼
//	┌──────────────┐
//	│ CALLS_URGENT │
//	├──────────────┤   pull   ┌────────┐  compare-and-set   ┌──────────────┐
//	│ CALLS        ├─────────►│ worker ├───────────────────►│ CALL_RECORDS │
//	├──────────────┤          └┬──▲───┬┘                    └──────────────┘
//	│ CALLS_BULK   │           │  │   │ dead letter
//	└──────────────┘  schedule │  │   ▼
//	          calls.parked.…   │  │  ┌────────────┐
//	                           ▼  │  │ CALLS_DEAD │
//	               ┌──────────────┤  └────────────┘
//	               │ CALLS_PARKED ├─┘
//	               └──────────────┘
//	                 calls.due.… (when a schedule fires)
//
// Three rules hold everywhere. Every effect is idempotent by its subject: one
// record, one schedule and one dead letter for each call, so that repeating it after
// a lost confirmation changes nothing. No publish of ours carries a Nats-Msg-Id,
// because the broker confirms a duplicate and forgets the message. And a failed read
// never means that there is nothing.
package queue
