package control

import (
	"fmt"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// repair runs an audit and repairs what it finds.
func (env *environment) repair() {
	env.t.Helper()
	operator, err := admin.NewOperator(env.t.Context(), env.Conn, queue.Retention{Placed: env.Config.Records.Keep, Dead: env.Config.Dead.Keep})
	env.must(err)
	var lost []admin.AuditFinding
	_, err = operator.Audit(env.t.Context(), "", 15*time.Minute, time.Now(), func(f admin.AuditFinding) error {
		lost = append(lost, f)
		return nil
	})
	env.must(err)
	for _, f := range lost {
		env.must(operator.Repair(env.t.Context(), f, time.Now()))
	}
}

// TestAFullBroker that stores nothing for a while, in the midst of work: no phone
// rings twice, and once it stores again, and an audit was made, every call comes
// to its end. Those whose outcome could not be written down for an hour are held
// as unknown.
func TestAFullBroker(t *testing.T) {
	for _, c := range []struct {
		full    time.Duration
		unknown int // at most: one that each worker had taken
	}{
		{5 * time.Minute, 0},
		{65 * time.Minute, 2},
	} {
		t.Run(c.full.String(), func(t *testing.T) {
			inBubble(t, func(cfg *configs.Config) {
				cfg.Accounts["default"] = withConcurrency(cfg.Accounts["default"], 1)
			}, func(t *testing.T, env *environment) {
				const requests = 8
				env.StartWorker("one")
				env.StartWorker("two")
				<-time.After(time.Minute)
				for i := range requests {
					to := fmt.Sprintf("+9198765%05d", i)
					if i%4 == 0 {
						to = simulator.MagicCallee("initiate_econnrefused", 1)
					}
					body := fmt.Sprintf(`{"id":"call-%d","from":%q,"to":%q,"answer_url":"https://publisher.example/%[1]d"}`, i, simulator.DefaultNumber, to)
					_, err := env.Publish("calls.requests.default", []byte(body), nil)
					env.must(err)
				}
				<-time.After(4 * time.Second)
				env.must(env.Broker().MayStore(1))
				<-time.After(c.full)
				env.must(env.Broker().MayStore(-1))
				<-time.After(20 * time.Minute)
				env.repair()
				<-time.After(20 * time.Minute)
				states := env.states("default", "call", requests)
				if states[call.StateUnknown] > c.unknown || states[call.StatePlaced]+states[call.StateUnknown] != requests {
					t.Errorf("the calls are %v", states)
				}
				if s := env.Simulator.Oracle().Summary; s.RungTwice != 0 {
					t.Errorf("%d phones rang twice", s.RungTwice)
				}
				if n := env.messagesLeft(queue.StreamCalls) + env.messagesLeft(queue.StreamParked); n != 0 {
					t.Errorf("%d messages are left", n)
				}
			})
		})
	}
}
