package queue

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestTheOriginSaysWhichStream: to who pulls a request and to who finds it where
// nobody does alike, since one may have written the record that the other reads.
func TestTheOriginSaysWhichStream(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		want := map[call.Priority]string{call.Urgent: "CALLS_URGENT", call.Normal: "", call.Bulk: "CALLS_BULK"}
		found := map[call.Priority]call.Origin{}
		for p := range want {
			if err := b.NewPublisher().Publish(t.Context(), "acme", p, []byte("{}"), ""); err != nil {
				t.Fatal(err)
			}
		}
		places := must[[]PendingSubject](t)(b.PendingSubjects(t.Context()))
		for _, p := range places {
			m := must[*Orphan](t)(b.Peek(t.Context(), p, func() {}))
			found[m.Priority] = m.Origin
		}
		if len(places) != len(want) {
			t.Errorf("they wait in %v", places)
		}
		came := b.run(b.consumer(), always(5))
		for range want {
			select {
			case m := <-came:
				if m.Origin.Stream != want[m.Priority] || !m.Origin.Same(found[m.Priority]) {
					t.Errorf("a %s request came by %+v, and was found as %+v", m.Priority, m.Origin, found[m.Priority])
				}
				if err := m.Ack(); err != nil {
					t.Error(err)
				}
			case <-time.After(time.Hour):
				t.Fatal("one does not come")
			}
		}
	})
}
