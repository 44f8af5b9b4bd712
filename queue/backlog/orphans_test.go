package backlog

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestOrphansHaveTheOriginOfTheirStream, the same as for a worker that pulls them:
// one may have written the record that the other reads.
func TestOrphansHaveTheOriginOfTheirStream(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		want := map[call.Priority]string{call.Urgent: "CALLS_URGENT", call.Normal: "", call.Bulk: "CALLS_BULK"}
		found := map[call.Priority]call.Origin{}
		for p := range want {
			if err := b.NewPublisher().Publish(t.Context(), "acme", p, []byte("{}"), ""); err != nil {
				t.Fatal(err)
			}
		}
		pending := brokertest.Must[[]PendingSubject](t)(PendingSubjects(t.Context(), b.Conn))
		for _, p := range pending {
			m := brokertest.Must[*Orphan](t)(Peek(t.Context(), b.Conn, p, func() {}))
			found[m.Priority] = m.Origin
		}
		if len(pending) != len(want) {
			t.Errorf("they wait in %v", pending)
		}
		messages := run(b, boundConsumer(b), 5)
		for range want {
			select {
			case m := <-messages:
				if m.Origin.Stream != want[m.Priority] || !m.Origin.Same(found[m.Priority]) {
					t.Errorf("a %s request messages by %+v, and was found as %+v", m.Priority, m.Origin, found[m.Priority])
				}
				if err := m.Ack(); err != nil {
					t.Error(err)
				}
			case <-time.After(time.Hour):
				t.Fatal("a request is not pulled")
			}
		}
	})
}
