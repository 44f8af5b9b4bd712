// Package app puts the worker together: it wires the queue, the provider and
// the dispatcher for every account, serves health and metrics, and takes it
// all down again in order. Production, `ringonce dev` and the tests start the
// same thing.
//
//	New ── Run: connect ── prepare ── dial ── stop pulling ── finish ── close
//	              │ again and again until NATS answers           │
//	              └ not ready meanwhile                          └ within the grace period
package app
