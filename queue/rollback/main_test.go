package rollback

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

func TestMain(m *testing.M) { brokertest.Main(m) }

// newRecords opens the records as another worker does.
func newRecords(b *queuetest.Broker) *queue.Records {
	b.T.Helper()
	return brokertest.Must[*queue.Records](b.T)(b.NewRecords(b.T.Context(), queue.Retention{}, func() {}))
}

// fill writes a record for each of these calls.
func fill(t *testing.T, r *queue.Records, ids ...call.ID) {
	t.Helper()
	for _, id := range ids {
		brokertest.Must[call.Version](t)(r.Put(t.Context(), queuetest.Waiting(t, id, time.Now()), call.Version{}))
	}
}

func claimOf(t *testing.T, id call.ID) call.Record {
	t.Helper()
	return brokertest.Must[call.Record](t)(queuetest.NewRecord(id).Claim("one", "n1", time.Now()))
}

// backUp copies the broker's files, and gives every connection the time to be made
// again.
func backUp(b *queuetest.Broker, to string) {
	b.T.Helper()
	b.BackUp(to)
	<-time.After(time.Minute)
}

// restore puts back the copied files, and gives every connection the time to be made
// again.
func restore(b *queuetest.Broker, copied string) {
	b.T.Helper()
	b.Restore(copied)
	<-time.After(time.Minute)
}

// restart gives every connection the time to be made again.
func restart(b *queuetest.Broker) {
	b.T.Helper()
	b.Stop()
	b.Start()
	<-time.After(time.Minute)
}
