package queue

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestWhatTheBrokerForgotIsNotStored: it answers success, with a mark.
func TestWhatTheBrokerForgotIsNotStored(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for i, want := range []error{nil, errDuplicate} {
			m := &nats.Msg{Subject: "calls.requests.acme", Data: []byte("{}"), Header: nats.Header{nats.MsgIdHdr: {"a"}}}
			if _, err := publish(t.Context(), b.answers, StreamCalls, m); !errors.Is(err, want) {
				t.Errorf("publish %d: %v, want %v", i+1, err, want)
			}
		}
	})
}
