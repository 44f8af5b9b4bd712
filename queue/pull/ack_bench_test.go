package pull

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/tests/brokertest"
)

// BenchmarkAcknowledge is what an acknowledgement costs beside the consumers of
// other accounts on the same stream: the reason for a stream for each priority.
func BenchmarkAcknowledge(b *testing.B) {
	for _, accounts := range []int{1, 300, 900} {
		b.Run(fmt.Sprint("consumers=", accounts), func(b *testing.B) {
			server, err := embedded.Start(embedded.Options{Dir: b.TempDir(), Listen: true})
			if err != nil {
				b.Fatal(err)
			}
			defer server.Stop()
			nc := brokertest.Must[*nats.Conn](b)(nats.Connect(server.ClientURL()))
			defer nc.Close()
			js := brokertest.Must[jetstream.JetStream](b)(jetstream.New(nc))
			brokertest.Must[[]string](b)(queue.Topology{Replicas: 1}.Apply(b.Context(), js))
			var consumers []jetstream.Consumer
			for i := range accounts {
				a := call.Account(fmt.Sprint("account-", i))
				cfg := consumerConfig(queue.RequestConsumer(a, call.Normal), Config{Account: a, AckWait: time.Hour}, queue.StoredSubject(a, call.Normal))
				consumers = append(consumers, brokertest.Must[jetstream.Consumer](b)(js.CreateConsumer(b.Context(), queue.StreamCalls, cfg)))
			}
			for i := range b.N {
				brokertest.Must[*jetstream.PubAck](b)(js.Publish(b.Context(), fmt.Sprint("calls.requests.account-", i%accounts), make([]byte, 300)))
			}
			var held []jetstream.Msg
			for i, c := range consumers {
				mine := b.N / accounts
				if i < b.N%accounts {
					mine++
				}
				if mine == 0 {
					continue
				}
				for m := range brokertest.Must[jetstream.MessageBatch](b)(c.Fetch(mine)).Messages() {
					held = append(held, m)
				}
			}
			if len(held) != b.N {
				b.Fatalf("%d of %d came", len(held), b.N)
			}
			b.ResetTimer()
			for _, m := range held[1:] {
				if err := m.Ack(); err != nil {
					b.Fatal(err)
				}
			}
			for brokertest.Must[jetstream.Stream](b)(js.Stream(b.Context(), queue.StreamCalls)).CachedInfo().State.Msgs > 1 {
				<-time.After(5 * time.Millisecond)
			}
		})
	}
}
