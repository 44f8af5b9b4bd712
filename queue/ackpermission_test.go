package queue

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

func TestProbeAck(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for range 2 {
			if err := b.CheckAckPermission(t.Context(), "acme"); err != nil {
				t.Error(err)
			}
		}
		// It acknowledges nothing.
		b.publish("calls.requests.acme", "{}")
		came := b.consume(always(1))
		m := <-came
		if err := b.CheckAckPermission(t.Context(), "acme"); err != nil {
			t.Error(err)
		}
		b.holds(StreamCalls, "calls.requests.acme.normal")
		if err := m.Ack(); err != nil {
			t.Error(err)
		}
		b.stop()
		if err := b.CheckAckPermission(t.Context(), "acme"); err == nil || errors.Is(err, ErrAckDenied) {
			t.Errorf("a broker that is down: %v", err)
		}
	})
}

// TestProbeAckWithoutThePermission is told, also where it lacks for one stream
// alone.
func TestProbeAckWithoutThePermission(t *testing.T) {
	for _, denied := range []string{"CALLS_URGENT.>", "CALLS.>", "CALLS_BULK.>", "CALLS_PARKED.>", ">"} {
		bubbleWith(t, t.TempDir(), func(o *server.Options) {
			o.Users = []*server.User{{Username: "worker", Password: "w", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"$JS.ACK." + denied}},
				Subscribe: &server.SubjectPermission{Allow: []string{">"}},
			}}}
		}, func(t *testing.T, b *broker) {
			b.apply()
			if err := b.CheckAckPermission(t.Context(), "acme"); !errors.Is(err, ErrAckDenied) || !strings.Contains(err.Error(), "$JS.ACK") {
				t.Errorf("without %q: %v", denied, err)
			}
		})
	}
}
