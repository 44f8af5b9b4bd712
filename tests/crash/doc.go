// Package crash kills and stops real workers at every step there is, and checks
// that no phone rang twice and no request was forgotten.
//
// A trial is one broker, one simulated provider, and workers as processes of
// their own, built with the tag that package failpoint needs:
//
//	a batch is published
//	worker A is started, with a point armed ──► dies there, or is stopped there
//	worker B is started, and works until nothing is left to do
//	A, if it was only stopped, is continued: a zombie that knows nothing of the
//	pause, whose claim is over and whose messages B was given
//	when all is done, package reconcile compares the sources
//
// The times are short (connect 200 ms, request 500 ms), so that an abandoned claim
// is over after 1.1 s. The trials are in plan.go; a point that no
// trial has, or that no worker came to, fails.
//
// Processes and batches are tests/process and tests/batch, shared with tests/cluster.
//
// compare_test.go puts the worker that is usually written (directory naive)
// through the same.
package crash
