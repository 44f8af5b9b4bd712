package control

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestABrokenControlBucket under a running worker: nothing is dialled, the
// worker is not ready and its metrics say why, and it recovers by itself.
func TestABrokenControlBucket(t *testing.T) {
	for _, c := range []struct {
		name            string
		breaks, repairs func(t *testing.T, env *environment)
	}{
		{
			"deleted",
			func(t *testing.T, env *environment) {
				env.must(env.Conn.JetStream().DeleteKeyValue(t.Context(), queue.BucketControl))
			},
			func(t *testing.T, env *environment) {
				if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), env.Conn.JetStream()); err != nil {
					t.Fatal(err)
				}
			},
		},
		{"a pause that is no JSON", corrupt("paused.other", "{"), repairKey("paused.other")},
		{"a suspension that is a list", corrupt("suspended.default", "[]"), repairKey("suspended.default")},
		{"a number that is none", corrupt("paused-number.0", `{"number":"12"}`), repairKey("paused-number.0")},
		{"a pause of all that is empty", corrupt("paused-all", ""), repairKey("paused-all")},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, env *environment) {
				worker := env.StartWorker("one")
				<-time.After(time.Minute)
				c.breaks(t, env)
				<-time.After(15 * time.Second) // a bucket that is gone says nothing; it is asked for every 10 s
				env.publish("default", "call", simulator.DefaultNumber, 5)
				<-time.After(10 * time.Minute)
				env.wantRungOnce(0)
				if err := worker.App.Ready(); err == nil {
					t.Error("the worker is ready")
				}
				if v, _ := metric(t, worker, "ringonce_control_synced"); v != 0 {
					t.Error("the flags count as synced")
				}
				c.repairs(t, env)
				<-time.After(5 * time.Minute)
				env.wantRungOnce(5)
				if err := worker.App.Ready(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func corrupt(key, value string) func(*testing.T, *environment) {
	return func(t *testing.T, env *environment) {
		if _, err := env.bucket(t).PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
}

func repairKey(key string) func(*testing.T, *environment) {
	return func(t *testing.T, env *environment) { env.must(env.bucket(t).Delete(t.Context(), key)) }
}

func (env *environment) bucket(t *testing.T) jetstream.KeyValue {
	kv, err := env.Conn.JetStream().KeyValue(t.Context(), queue.BucketControl)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}
