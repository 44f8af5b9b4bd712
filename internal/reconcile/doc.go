// Package reconcile checks the promise from the outside: of a batch of requests
// that has come to its end, was every one accounted for, and did no phone ring
// twice?
//
// It compares four independent sources:
//
//	what was published ── the publisher's own list, with the sequences that
//	                      the broker confirmed
//	the records        ── CALL_RECORDS
//	the dead letters   ── CALLS_DEAD, and what is left in the other streams
//	the rings          ── the oracle of the simulated provider
//
// [Gather] reads the broker's part; the publisher and the oracle provide theirs as
// plain data. [Check] compares them. It is pure, and reports for every discrepancy
// which request it is about.
package reconcile
