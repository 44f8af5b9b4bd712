package control

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// TestAWorkerThatMayNotAcknowledge rings no phone twice although every message
// comes back, and pulls slowly, since the broker confirms nothing: the metric
// shows it.
func TestAWorkerThatMayNotAcknowledge(t *testing.T) {
	emptyPools()
	defer emptyPools()
	dir, log := t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil))
	synctest.Test(t, func(t *testing.T) {
		env := &environment{t: t, Environment: bubble.NewWithBroker(t, dir, simulator.Config{}, log, func(c *configs.Config) {
			c.NATS.User, c.NATS.Password = "worker", configs.NewSecret("w")
			c.Accounts["default"] = withConcurrency(c.Accounts["default"], 64)
		}, func(o *server.Options) {
			o.Users = []*server.User{{Username: "anybody", Password: "a"}, {
				Username: "worker", Password: "w", Permissions: &server.Permissions{
					Publish: &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"$JS.ACK.>"}},
				},
			}}
			o.NoAuthUser = "anybody"
		})}
		defer env.Close()
		worker := env.StartWorker("one")
		<-time.After(time.Minute)
		const requests = 300
		env.publish("default", "call", simulator.DefaultNumber, requests)
		<-time.After(10 * time.Minute)
		if got := env.states("default", "call", requests); got[call.StatePlaced] != requests {
			t.Errorf("they are %v", got)
		}
		env.wantRungOnce(requests)
		if waited, _ := metric(t, worker, "ringonce_ack_backpressure_seconds_total"); waited < 1 {
			t.Errorf("it waited %v seconds", waited)
		}
	})
}
