package queue

import (
	"strings"

	"github.com/ringonce/ringonce/call"
)

// ConsumerKind begins the name of a consumer. The account and, where there is one
// for each, the priority follow: new-<account>_<priority>. No account has a "_".
type ConsumerKind string

// The kinds. Counters are never pulled from: they count what their subjects hold, at
// no cost for the broker that would grow with it.
const (
	RequestConsumers ConsumerKind = "new-"
	DueConsumers     ConsumerKind = "due-"
	ParkedCounter    ConsumerKind = "count-parked-"
	DeadCounter      ConsumerKind = "count-dead-"
	UnknownCounter   ConsumerKind = "count-unknown-"
)

// RequestConsumer names the consumer of an account's requests of one priority.
func RequestConsumer(a call.Account, p call.Priority) string {
	return string(RequestConsumers) + string(a) + "_" + string(p)
}

// DueConsumer names the consumer of an account's due calls of one priority.
func DueConsumer(a call.Account, p call.Priority) string {
	return string(DueConsumers) + string(a) + "_" + string(p)
}

// ParseConsumer returns the kind and the account of a consumer, nothing of one that
// is not ringonce's.
func ParseConsumer(name string) (ConsumerKind, call.Account) {
	for _, kind := range []ConsumerKind{RequestConsumers, DueConsumers, ParkedCounter, DeadCounter, UnknownCounter} {
		if rest, ok := strings.CutPrefix(name, string(kind)); ok {
			account, _, _ := strings.Cut(rest, "_")
			return kind, call.Account(account)
		}
	}
	return "", ""
}
