// Package proof checks the promise from the outside: of a batch of requests
// that has come to its end, was every one accounted for, and did no phone ring
// twice?
//
// Four witnesses are heard, who know nothing of each other:
//
//	what was published ── the publisher's own list, with the sequences that
//	                      the broker confirmed
//	the records        ── CALL_RECORDS
//	the dead letters   ── CALLS_DEAD, and what is left in the other streams
//	the rings          ── the oracle of the simulated provider
//
// [Gather] asks the broker for its part; the publisher and the oracle bring
// theirs as plain data. [Check] compares them. It is pure, and says of every
// contradiction which request it is about.
package reconcile
