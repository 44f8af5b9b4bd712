package control

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue/embedded"
)

// TestMaxPayload: a broker that takes only small messages keeps a worker from
// being ready when it starts, and stops one that comes back to it, until that is
// changed.
func TestMaxPayload(t *testing.T) {
	dir, port := t.TempDir(), embedded.LastingPort()
	start := func(bytes int32) *embedded.Server {
		t.Helper()
		s, err := embedded.Start(embedded.Options{Dir: dir, Port: port, Listen: true, Configure: func(o *server.Options) { o.MaxPayload = bytes }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	broker := start(64 << 10)
	t.Cleanup(func() { broker.Stop() })
	const tooSmall = "max_payload of the NATS server is too small"
	worker, log := startWorker(t, func(c *configs.Config) { c.NATS.URL = broker.ClientURL() })
	log.until(t, tooSmall)
	if err := broker.Reload(func(o *server.Options) { o.MaxPayload = 1 << 20 }); err != nil {
		t.Fatal(err)
	}
	log.until(t, "ready to dial")
	broker.Stop()
	broker = start(64 << 10)
	log.until(t, tooSmall)
	if err := worker.Ready(); err == nil || !strings.Contains(err.Error(), tooSmall) {
		t.Errorf("it is ready: %v", err)
	}
}
