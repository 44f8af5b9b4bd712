package control

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// alter changes the settings of the call records, as an operator can, and returns
// what they were.
func (env *environment) alter(change func(*jetstream.StreamConfig)) (before jetstream.StreamConfig) {
	env.t.Helper()
	s, err := env.Conn.JetStream().Stream(env.t.Context(), queue.StreamRecords)
	if err != nil {
		env.t.Fatal(err)
	}
	before = s.CachedInfo().Config
	after := before
	change(&after)
	env.restore(after)
	return before
}

func (env *environment) restore(cfg jetstream.StreamConfig) {
	env.t.Helper()
	if _, err := env.Conn.JetStream().UpdateStream(env.t.Context(), cfg); err != nil {
		env.t.Fatal(err)
	}
}

// wantFault waits for a worker to say why it does not dial: in its metric, when it is
// asked whether it is ready, and with the way out.
func (env *environment) wantFault(worker *bubble.Worker, cause call.RecordsFault, within time.Duration, words ...string) {
	env.t.Helper()
	over := time.Now().Add(within)
	for {
		value, _ := metric(env.t, worker, "ringonce_records_fault", string(cause))
		if value == 1 {
			break
		}
		if time.Now().After(over) {
			env.t.Fatalf("after %v the metric does not say %s, and it says %v", within, cause, worker.App.Ready())
		}
		<-time.After(100 * time.Millisecond)
	}
	err := worker.App.Ready()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			env.t.Errorf("it says %v, without %q", err, word)
		}
	}
}

// checkInterval is as long as it takes until the records are checked, whenever it begins.
const checkInterval = 31 * time.Second

// updateDelay is as long as it takes until workers know that a setting was changed.
const updateDelay = time.Second

// TestRecordsWithAWrongSetting stop everything, until an operator declares from when
// on they are valid. That the setting is put back is not enough: what is forgotten
// stays so.
func TestRecordsWithAWrongSetting(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*jetstream.StreamConfig)
		word  string
		brief bool // put back before the next check
	}{
		{"an age", func(c *jetstream.StreamConfig) { c.MaxAge = 8 * time.Second }, "--max-age=0s", false},
		{"an age for a while", func(c *jetstream.StreamConfig) { c.MaxAge = 8 * time.Second }, "largest age is 8s", true},
		{"a limit that drops for a while", func(c *jetstream.StreamConfig) {
			c.Discard, c.MaxMsgs = jetstream.DiscardOld, 1
		}, "discard", true},
		{"another subject for a while", func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{
				Source: "calls.records.*.*", Destination: "calls.records.elsewhere.{{wildcard(2)}}",
			}
		}, "subject transform", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, env *environment) {
				env.StartWorker("one")
				worker := env.StartWorker("two")
				<-time.After(time.Minute)
				env.publish("default", "call", simulator.DefaultNumber, 1)
				<-time.After(checkInterval)
				before := env.alter(c.spoil)
				env.wantFault(worker, call.RecordsWrongSetting, updateDelay, c.word, "ringonce streams declare")
				if c.brief {
					<-time.After(10 * time.Second)
					env.restore(before)
				}
				for range 3 {
					env.publish("default", "call", simulator.DefaultNumber, 1)
					<-time.After(10 * time.Second)
				}
				env.restore(before)
				<-time.After(2 * checkInterval)
				env.StartWorker("three") // what the others know, it has to find in the bucket
				<-time.After(2 * checkInterval)
				env.wantRungOnce(1)

				now := time.Now()
				if _, err := rollback.Declare(t.Context(), env.Conn, now, "asha: the age is removed", now); err != nil {
					t.Fatal(err)
				}
				<-time.After(checkInterval)
				env.publish("default", "later", simulator.DefaultNumber, 1)
				<-time.After(checkInterval)
				if got := env.states("default", "later", 1); got[call.StatePlaced] != 1 || worker.App.Ready() != nil {
					t.Errorf("declared valid, it dials %v and says %v", got, worker.App.Ready())
				}
				if value, _ := metric(t, worker, "ringonce_records_fault", string(call.RecordsWrongSetting)); value != 0 {
					t.Error("the metric still says that they are not")
				}
			})
		})
	}
}

// TestAWorkerThatMayNotWriteRecords says so within fifteen seconds: the broker drops
// what it may not publish, and answers nothing.
func TestAWorkerThatMayNotWriteRecords(t *testing.T) {
	emptyPools()
	defer emptyPools()
	dir, log := t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil))
	synctest.Test(t, func(t *testing.T) {
		env := &environment{t: t, Environment: bubble.NewWithBroker(t, dir, simulator.Config{}, log, func(c *configs.Config) {
			c.NATS.User, c.NATS.Password = "worker", configs.NewSecret("w")
		}, func(o *server.Options) {
			o.Users = []*server.User{{Username: "anybody", Password: "a"}, {
				Username: "worker", Password: "w", Permissions: &server.Permissions{
					Publish: &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"calls.records.>"}},
				},
			}}
			o.NoAuthUser = "anybody"
		})}
		defer env.Close()
		<-time.After(time.Second)
		if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), env.Conn.JetStream()); err != nil {
			t.Fatal(err)
		}
		env.wantFault(env.StartWorker("one"), call.RecordsRefuseWrites, 15*time.Second, "does not answer", "permission to publish to calls.records.>")
	})
}

// TestRecordsThatRefuseWrites are said within fifteen seconds, whether or not there
// is anything to write, and that they take them again is said, too.
func TestRecordsThatRefuseWrites(t *testing.T) {
	const within = 15 * time.Second
	for _, c := range []struct {
		name  string
		spoil func(*jetstream.StreamConfig)
		busy  bool
	}{
		{"nothing is confirmed", func(c *jetstream.StreamConfig) { c.NoAck = true }, false},
		{"no subject", func(c *jetstream.StreamConfig) { c.Subjects = []string{"calls.elsewhere"} }, false},
		{"full", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, env *environment) {
				worker := env.StartWorker("one")
				<-time.After(time.Minute + time.Second)
				before := env.alter(c.spoil)
				if c.busy {
					env.publish("default", "call", simulator.DefaultNumber, 1)
				}
				env.wantFault(worker, call.RecordsRefuseWrites, within, "does not take writes")
				env.restore(before)
				<-time.After(within)
				if value, _ := metric(t, worker, "ringonce_records_fault", string(call.RecordsRefuseWrites)); value != 0 {
					t.Errorf("it still says so: %v", worker.App.Ready())
				}
				if c.busy {
					<-time.After(checkInterval)
					env.wantRungOnce(1)
				} else {
					env.wantRungOnce(0)
				}
			})
		})
	}
}
