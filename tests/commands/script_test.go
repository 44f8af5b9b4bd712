package commands_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := &script{t: t, rig: harness.New(t, simulator.Config{}, nil)}
			testscript.Run(t, testscript.Params{
				Files: []string{file}, Setup: s.setup, RequireExplicitExec: true, RequireUniqueNames: true,
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"ringonce": s.ringonce, "worker": s.worker, "await": s.await, "drained": s.drained,
					"rung": s.rung, "unknown": s.unknown, "parked": s.parked, "outdate": s.outdate,
					"overdue": s.overdue, "lose": s.lose, "expired": s.expired, "age": s.age, "theirs": s.theirs, "says": s.says,
				},
			})
		})
	}
}

// script is the environment of one script.
type script struct {
	t       *testing.T
	rig     *harness.Environment
	workers int
	running *harness.Worker
}

func (s *script) setup(env *testscript.Env) error {
	env.Setenv("PATH", binary+string(os.PathListSeparator)+env.Getenv("PATH"))
	env.Setenv("NATS_URL", s.rig.Broker.ClientURL())
	env.Setenv("BROKER", s.rig.Broker.ClientURL())
	env.Setenv("PROVIDER", s.rig.Provider.URL)
	env.Setenv("KEY", simulator.DefaultAPIKey)
	env.Setenv("FROM", simulator.DefaultNumber)
	env.Setenv("ANSWER", harness.AnswerURL)
	env.Setenv("USER", "asha")
	return nil
}

// ringonce STATUS ARGS… runs the command and requires this exit status.
func (s *script) ringonce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ringonce STATUS ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("ringonce", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("ringonce: %v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("ringonce %s exited with status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// worker start runs a worker and waits until it is ready; worker stop ends it.
func (s *script) worker(ts *testscript.TestScript, _ bool, args []string) {
	switch {
	case len(args) == 1 && args[0] == "start" && s.running == nil:
		s.workers++
		s.running = s.rig.AwaitReady(s.rig.Start(fmt.Sprintf("worker-%d", s.workers)))
	case len(args) == 1 && args[0] == "stop" && s.running != nil:
		ts.Check(s.running.Stop())
		s.running = nil
	default:
		ts.Fatalf("usage: worker start, worker stop")
	}
}

// await ID STATE waits until the call is in this state.
func (s *script) await(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: await ID STATE")
	}
	s.rig.AwaitState(args[0], call.State(args[1]))
}

// says ACCOUNT STATE… waits until the list of accounts shows this state, a regular
// expression. A worker publishes the state of its lane within seconds.
func (s *script) says(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: says ACCOUNT STATE…")
	}
	said := strings.Join(args[1:], " ")
	wanted := regexp.MustCompile(`(?m)^` + args[0] + ` +` + said)
	s.rig.Eventually("the list says of "+args[0]+": "+said, func() bool {
		list := exec.CommandContext(s.t.Context(), filepath.Join(binary, "ringonce"), "accounts", "list")
		list.Env = []string{"NATS_URL=" + s.rig.Broker.ClientURL()}
		out, err := list.CombinedOutput()
		return err == nil && wanted.Match(out)
	})
}

// drained waits until no request or parked call is left.
func (s *script) drained(*testscript.TestScript, bool, []string) { s.rig.AwaitDrained() }

// rung N requires that the provider rang N phones, none of them twice.
func (s *script) rung(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: rung N")
	}
	o := s.rig.Simulator.Oracle().Summary
	if strconv.Itoa(o.Rung) != args[0] || o.RungTwice != 0 {
		ts.Fatalf("%d phones were rung, %d of them twice; want %s and 0", o.Rung, o.RungTwice, args[0])
	}
}

// unknown ID AGO creates a call whose attempt, that long ago, may have rung.
func (s *script) unknown(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: unknown ID AGO")
	}
	ago, err := time.ParseDuration(args[1])
	ts.Check(err)
	now := time.Now()
	r, err := s.record(args[0], now.Add(-ago)).Claim("a-lost-worker", "nonce-"+args[0], now.Add(-ago))
	ts.Check(err)
	r, err = r.MarkUnknown("nonce-"+args[0], call.Outcome{Class: call.Unknown, Reason: call.WorkerLost}, now)
	ts.Check(err)
	s.put(ts, r)
	ts.Check(s.rig.Conn.NewDeadLetters(time.Hour).Put(s.t.Context(), r, nil))
}

// parked ID AHEAD creates a call that waits.
func (s *script) parked(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: parked ID AHEAD")
	}
	ahead, err := time.ParseDuration(args[1])
	ts.Check(err)
	now := time.Now()
	r, err := s.record(args[0], now).Park(call.NotYet, now.Add(ahead), now)
	ts.Check(err)
	ts.Check(s.rig.Conn.NewScheduler().Schedule(s.t.Context(), r, s.put(ts, r)))
}

// overdue ID creates a call that should have been retried an hour ago.
func (s *script) overdue(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: overdue ID")
	}
	then := time.Now().Add(-time.Hour)
	r, err := s.record(args[0], then).Park(call.ServiceUnavailable, then, then)
	ts.Check(err)
	s.put(ts, r)
}

// expired ID creates a dead call whose expires_at has passed.
func (s *script) expired(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: expired ID")
	}
	then := time.Now().Add(-time.Hour)
	body := fmt.Appendf(nil, `{"id":%q,"from":%q,"to":"+919812345678","answer_url":%q,"expires_at":%q}`,
		args[0], simulator.DefaultNumber, harness.AnswerURL, then.Format(time.RFC3339))
	_, digest, err := call.DecodeRequest(body, call.PossibleNumbers)
	ts.Check(err)
	origin := call.Origin{Sequence: 1, Published: then.Add(-time.Hour)}
	r, err := call.NewRecord(harness.Account, call.ID(args[0]), digest, origin, call.Normal, "", body).MarkDead(call.Expired, "", then)
	ts.Check(err)
	s.put(ts, r)
	ts.Check(s.rig.Conn.NewDeadLetters(time.Hour).Put(s.t.Context(), r, nil))
}

// lose STREAM purges a stream, as a power loss can lose its messages.
func (s *script) lose(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: lose STREAM")
	}
	stream, err := s.rig.Conn.JetStream().Stream(s.t.Context(), args[0])
	ts.Check(err)
	ts.Check(stream.Purge(s.t.Context()))
}

// age DURATION sets the maximum age of call records; 0s is none.
func (s *script) age(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: age DURATION")
	}
	age, err := time.ParseDuration(args[0])
	ts.Check(err)
	stream, err := s.rig.Conn.JetStream().Stream(s.t.Context(), queue.StreamRecords)
	ts.Check(err)
	cfg := stream.CachedInfo().Config
	cfg.MaxAge = age
	_, err = s.rig.Conn.JetStream().UpdateStream(s.t.Context(), cfg)
	ts.Check(err)
}

// theirs replaces a worker's consumer by one of another program; "gone" removes it.
func (s *script) theirs(ts *testscript.TestScript, _ bool, args []string) {
	js, ctx := s.rig.Conn.JetStream(), s.t.Context()
	if slices.Equal(args, []string{"gone"}) {
		ts.Check(js.DeleteConsumer(ctx, queue.StreamCalls, "theirs"))
		return
	}
	ts.Check(js.DeleteConsumer(ctx, queue.StreamCalls, "new-default_normal"))
	_, err := js.CreateConsumer(ctx, queue.StreamCalls, jetstream.ConsumerConfig{
		Durable: "theirs", FilterSubject: "calls.requests.default.normal", AckPolicy: jetstream.AckExplicitPolicy,
	})
	ts.Check(err)
}

// outdate makes the call records look restored from an older copy.
func (s *script) outdate(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := rollback.Check(s.t.Context(), s.rig.Conn)
	ts.Check(err)
	kv, err := s.rig.Conn.JetStream().KeyValue(s.t.Context(), queue.BucketControl)
	ts.Check(err)
	_, err = kv.PutString(s.t.Context(), "highwater",
		fmt.Sprintf(`{"created":%q,"sequence":%d,"valid_from":%[1]q}`, l.Created.Format(time.RFC3339Nano), l.Sequence+1000))
	ts.Check(err)
}

func (s *script) record(id string, published time.Time) call.Record {
	body := []byte(harness.Body(id, "+919812345678"))
	_, digest, _ := call.DecodeRequest(body, call.PossibleNumbers)
	return call.NewRecord(harness.Account, call.ID(id), digest, call.Origin{Sequence: 1, Published: published}, call.Normal, "", body)
}

func (s *script) put(ts *testscript.TestScript, r call.Record) call.Version {
	records, err := s.rig.Conn.NewRecords(s.t.Context(), queue.Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}, func() {})
	ts.Check(err)
	version, err := records.Put(s.t.Context(), r, call.Version{})
	ts.Check(err)
	return version
}
