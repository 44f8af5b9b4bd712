// Package rollback finds out whether CALL_RECORDS is still the stream that the
// workers knew. A stream that was restored from an older copy, deleted and created
// again, purged, or configured so that messages vanish has forgotten calls that
// may have rung.
//
//	CALL_RECORDS ◄── compare ──► high-water mark in CALL_CONTROL
//	                    ▲
//	                  Verify, over every new connection and every 30 s
//	                    │
//	                 worker ◄── calls.highwater ──► other workers
//
// A fault stands until an operator declares the time from which the records are
// valid; until then nothing is dialled.
package rollback
