// Package cluster breaks brokers, and what leads to them, under workers at work,
// and checks that no phone rang twice and no request was forgotten.
//
// A trial is three broker nodes with three replicas of every stream, two workers,
// and a publisher that does not stop. Nodes and workers are processes of their
// own, so that kill -9 is real; a node is this test's own binary, started again.
//
//	publisher ─────────────► node 0 ──relay── node 1
//	worker A ──relays──────►   └──relay── node 2 ──relay──┘
//	worker B ──relays──────►
//
// A relay can be cut (connections close, new ones are turned away) or blackholed
// (everything is taken and nothing passed on). The trials are in plan_test.go.
//
// claims_test.go has claims race while leaders come and go, without workers.
//
// When all is done, package reconcile compares the sources, as in tests/crash. The
// longest time between two POSTs while requests were published is printed.
package cluster
