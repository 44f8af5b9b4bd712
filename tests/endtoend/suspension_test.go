package endtoend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/queue/rollback"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// pending is how many requests workers hold, and how many were never delivered.
func pending(t *testing.T, env *harness.Environment) (held, waiting int) {
	t.Helper()
	c, err := env.Conn.JetStream().Consumer(t.Context(), queue.StreamCalls, "new-default_normal")
	if err != nil {
		t.Fatal(err)
	}
	info := c.CachedInfo()
	return info.NumAckPending, int(info.NumPending)
}

// suspendedFor waits until the account is suspended, as the flags show it.
func suspendedFor(t *testing.T, env *harness.Environment) call.Suspension {
	t.Helper()
	var s call.Suspension
	env.Eventually("the account is suspended", func() bool {
		flags, err := control.New(env.Conn, env.Log).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s = flags.Blocks(harness.Account).Suspension
		return flags.Blocks(harness.Account).Suspended()
	})
	return s
}

// TestAKeyThatIsRefused loses nothing: the queue waits, whole, until the file
// holds a key that works.
func TestAKeyThatIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	write := func(key string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(simulator.DefaultAPIKey)
	env := harness.New(t, simulator.Config{}, func(c *configs.Config) {
		account := c.Accounts["default"]
		account.APIKey, account.APIKeyFile, account.Concurrency = configs.Secret{}, file, 2
		c.Accounts["default"] = account
	})
	workers := []*harness.Worker{env.AwaitReady(env.Start("one")), env.AwaitReady(env.Start("two"))}
	env.Publish("calls.requests.default", harness.Body("before", "+919876543299"))
	env.AwaitState("before", call.StatePlaced)

	const newKey, requests = "simulator-key-2", 50
	if err := env.Simulator.SetAPIKeys(simulator.DefaultOrganisation, newKey); err != nil {
		t.Fatal(err)
	}
	for i := range requests {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	if s := suspendedFor(t, env); s.Reason != call.Unauthorized || !s.Until.IsZero() {
		t.Errorf("suspended for %s until %s", s.Reason, s.Until)
	}
	env.Eventually("both workers know, and neither dials any more", func() bool {
		for _, w := range workers {
			if w.Gauge(t, "ringonce_lane_state", "suspended") != 1 || w.Gauge(t, "ringonce_in_flight", "") != 0 {
				return false
			}
		}
		return true
	})
	var waiting int
	env.Eventually("what was pulled is handed back", func() bool {
		var held int
		held, waiting = pending(t, env)
		published := env.Messages(queue.StreamCalls, ">")
		// The broker counts what a consumer has yet to deliver a while after it was
		// published. Parked is what was claimed just before the suspension was known.
		return held+waiting == published && published+env.Messages(queue.StreamParked, ">") == requests && waiting > 0
	})
	posts := env.Simulator.Oracle().Summary.Posts
	lookups := env.Simulator.Oracle().Summary.Lookups
	env.Eventually("the key is probed", func() bool { return env.Simulator.Oracle().Summary.Lookups >= lookups+3 })
	if _, now := pending(t, env); now != waiting {
		t.Errorf("%d requests waited, now %d: some were pulled", waiting, now)
	}
	if now := env.Simulator.Oracle().Summary.Posts; now != posts || posts > 1+2*2 {
		t.Errorf("%d POSTs, then %d", posts, now)
	}
	if n := env.Messages(queue.StreamDead, ">"); n != 0 {
		t.Errorf("%d dead letters", n)
	}

	write(newKey)
	for i := range requests {
		record := env.AwaitState(fmt.Sprintf("call-%d", i), call.StatePlaced)
		for _, a := range record.Attempts[:len(record.Attempts)-1] {
			if (a.Class != call.Suspended && a.Reason != call.Interrupted) || a.Spent {
				t.Errorf("an attempt of call-%d came to %s, %s, spent: %t", i, a.Class, a.Reason, a.Spent)
			}
		}
	}
	env.AwaitDrained()
	if s := env.Simulator.Oracle().Summary; s.RungTwice != 0 || s.Rung != requests+1 {
		t.Errorf("rang %d, %d of them twice", s.Rung, s.RungTwice)
	}
	for _, w := range workers {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestATimedSuspension stops every worker, and an operator ends it.
func TestATimedSuspension(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "broke", Fault: "payment_required"}}}, nil)
	env.AwaitReady(env.Start("one"))
	env.AwaitReady(env.Start("two"))
	env.Publish("calls.requests.default", harness.Body("a", callee))
	s := suspendedFor(t, env)
	if lasts := s.Until.Sub(s.Since); s.Reason != call.PaymentRequired || lasts != time.Minute {
		t.Errorf("suspended for %s, %s long", s.Reason, lasts)
	}
	for i := range 10 {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("b-%d", i), fmt.Sprintf("+91987654330%d", i)))
	}
	record := env.AwaitState("a", call.StateWaiting)
	if record.Parked || record.Spent != 0 || record.Attempts[0].Spent {
		t.Errorf("it waits parked: %t, %d attempts spent", record.Parked, record.Spent)
	}
	if err := env.Simulator.RemoveRule("broke"); err != nil {
		t.Fatal(err)
	}
	if err := control.New(env.Conn, env.Log).RemoveSuspension(t.Context(), harness.Account); err != nil {
		t.Fatal(err)
	}
	env.AwaitDrained()
	env.AwaitState("a", call.StatePlaced)
	if n := env.Messages(queue.StreamDead, ">"); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// TestAPausedAccountIsNotPulled until it is resumed.
func TestAPausedAccountIsNotPulled(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), env.Conn.JetStream()); err != nil {
		t.Fatal(err)
	}
	bucket := control.New(env.Conn, env.Log)
	if err := bucket.Pause(t.Context(), "", call.Pause{By: "test"}); err != nil {
		t.Fatal(err)
	}
	env.AwaitReady(env.Start("one"))
	for i := range 5 {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("a-%d", i), fmt.Sprintf("+91987654330%d", i)))
	}
	env.Eventually("the requests wait", func() bool {
		held, waiting := pending(t, env)
		return held == 0 && waiting == 5
	})
	if err := bucket.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	env.AwaitDrained()
	if s := env.Simulator.Oracle().Summary; s.Rung != 5 {
		t.Errorf("rang %d", s.Rung)
	}
}

// TestRecreatedRecordsStopEverything until an operator declares them valid.
func TestRecreatedRecordsStopEverything(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("before", "+919876543211"))
	env.AwaitState("before", call.StatePlaced)
	js := env.Conn.JetStream()
	if err := js.DeleteStream(t.Context(), queue.StreamRecords); err != nil {
		t.Fatal(err)
	}
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), js); err != nil {
		t.Fatal(err)
	}
	// The first claim finds out; nothing is dialled by it.
	env.Publish("calls.requests.default", harness.Body("a", callee))
	env.Eventually("the claim is handed back", func() bool {
		held, waiting := pending(t, env)
		return held+waiting == 1 && env.Record("a").State == call.StateDialling
	})
	env.Publish("calls.requests.default", harness.Body("b", "+919876543212"))
	now := time.Now()
	if _, err := rollback.Declare(t.Context(), env.Conn, now, "test", now); err != nil {
		t.Fatal(err)
	}
	if record := env.AwaitState("b", call.StateDead); record.Reason != call.TooOldToKnow {
		t.Errorf("what was published before the records were valid ended %s", record.Reason)
	}
	env.Publish("calls.requests.default", harness.Body("c", "+919876543213"))
	env.AwaitState("c", call.StatePlaced)
	if n := env.Simulator.Rung(callee); n != 0 {
		t.Errorf("rang %d times", n)
	}
}
