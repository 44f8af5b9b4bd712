package queue

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestAScheduleThatNeverFiresIsFound: what the broker cannot deliver at its time
// because its disk is full, it takes for delivered until it starts again.
func TestAScheduleThatNeverFiresIsFound(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		const patience = 15 * time.Minute
		keep := Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}
		records, err := b.NewRecords(t.Context(), keep, func() {})
		b.do(err)
		operator, err := b.NewOperator(t.Context(), keep)
		b.do(err)
		r := waiting(t, "a", time.Now().Add(time.Minute))
		r.Changed = time.Now().UTC()
		v, err := records.Put(t.Context(), r, call.Version{})
		b.do(err)
		b.do(b.NewScheduler().Schedule(t.Context(), r, v))

		b.do(b.server.MayStore(1))
		<-time.After(5 * time.Minute)
		b.do(b.server.MayStore(-1))
		<-time.After(time.Hour)
		b.holds(StreamParked, ParkedSubject("acme", "a"))

		var found []AuditFinding
		_, err = operator.Audit(t.Context(), "", patience, time.Now(), func(f AuditFinding) error {
			found = append(found, f)
			return nil
		})
		b.do(err)
		if len(found) != 1 || found[0].Missing != call.MissingMessage {
			t.Fatalf("found %v", found)
		}
		b.do(operator.Repair(t.Context(), found[0], time.Now()))
		<-time.After(time.Minute)
		b.holds(StreamParked, DueSubject("acme", call.Normal))
	})
}

func (b *broker) do(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}
