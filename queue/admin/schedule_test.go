package admin_test

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestAuditFindsAScheduleThatNeverFires: if the broker cannot store the message of
// a schedule at its time, because its disk is full, it takes it for stored until it
// restarts.
func TestAuditFindsAScheduleThatNeverFires(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		retention := queue.Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}
		records, err := b.NewRecords(t.Context(), retention, func() {})
		do(err)
		operator, err := admin.NewOperator(t.Context(), b.Conn, retention)
		do(err)
		r := queuetest.Waiting(t, "a", time.Now().Add(time.Minute))
		r.Changed = time.Now().UTC()
		v, err := records.Put(t.Context(), r, call.Version{})
		do(err)
		do(b.NewScheduler().Schedule(t.Context(), r, v))

		do(b.Server().MayStore(1))
		<-time.After(5 * time.Minute)
		do(b.Server().MayStore(-1))
		<-time.After(time.Hour)
		b.WantSubjects(queue.StreamParked, "calls.parked.acme.a")

		var found []admin.AuditFinding
		_, err = operator.Audit(t.Context(), "", overdueAfter, time.Now(), func(f admin.AuditFinding) error {
			found = append(found, f)
			return nil
		})
		do(err)
		if len(found) != 1 || found[0].Missing != call.MissingMessage {
			t.Fatalf("found %v", found)
		}
		do(operator.Repair(t.Context(), found[0], time.Now()))
		<-time.After(time.Minute)
		b.WantSubjects(queue.StreamParked, "calls.due.acme.normal")
	})
}
