// Package app builds one worker and runs it: it wires the queue, the provider
// and the dispatcher for every account, serves health and metrics, and shuts
// everything down in order. `ringonce run`, `ringonce dev` and the tests start
// the same App.
//
//	New ─► Run: connect ─► set up ─► run accounts ─► stop pulling ─► finish ─► close
//	              └ retried, not ready ┘                └ at most shutdown_grace ┘
package app
