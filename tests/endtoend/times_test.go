package endtoend_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

func timed(id, to, field string, at time.Time) string {
	return fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"answer_url":%q,%q:%q}`, id, simulator.DefaultNumber, to, harness.AnswerURL, field, at.Format(time.RFC3339Nano))
}

// TestNotBefore waits parked, and is never early.
func TestNotBefore(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	at := time.Now().Add(1500 * time.Millisecond)
	env.Publish("calls.requests.default", timed("a", callee, "not_before", at))
	record := env.AwaitState("a", call.StateWaiting)
	if !record.Parked || record.Reason != call.NotYet || !record.NextAt.Equal(at) || record.Made != 0 {
		t.Errorf("it waits for %s until %s, want %s", record.Reason, record.NextAt, at)
	}
	record = env.AwaitState("a", call.StatePlaced)
	posts := env.Simulator.Report(simulator.ReportFilter{Callee: callee}).Calls[0].Posts
	if len(posts) != 1 || posts[0].At.Before(at) || record.Attempts[0].ClaimedAt.Before(at) {
		t.Errorf("it was to go out at %s: %+v", at, posts)
	}
}

// TestExpiresWhileItWaits lets the deadline pass while a call waits for its
// next attempt: it ends then, and is not dialled again.
func TestExpiresWhileItWaits(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "busy", Fault: "initiate_failed"}}}, func(c *configs.Config) {
		c.Retry.InitialDelay, c.Retry.MaxDelay = time.Minute, time.Minute
	})
	env.AwaitReady(env.Start("one"))
	at := time.Now().Add(2 * time.Second)
	env.Publish("calls.requests.default", timed("a", callee, "expires_at", at))
	record := env.AwaitState("a", call.StateDead)
	if record.Reason != call.Expired || record.Made != 1 || record.Changed.Before(at) {
		t.Errorf("it ended %s at %s after %d attempts, its deadline was %s", record.Reason, record.Changed, record.Made, at)
	}
	env.AwaitDrained()
	if n := env.Messages(queue.StreamDead, "calls.dead.default.expired.a"); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}

// TestMaxAge ends what could not be placed in time, counted from its publishing.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "busy", Fault: "initiate_failed"}}}, func(c *configs.Config) {
		c.Request.MaxAge = 1500 * time.Millisecond
		c.Retry.MaxAttempts = 1000
	})
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("a", callee))
	record := env.AwaitState("a", call.StateDead)
	if record.Reason != call.Expired || record.Made < 2 || record.Changed.Before(record.Origin.Published.Add(1500*time.Millisecond)) {
		t.Errorf("it ended %s after %d attempts, %s old", record.Reason, record.Made, record.Changed.Sub(record.Origin.Published))
	}
}

// TestAttemptsAreExhausted after so many, and not one more.
func TestAttemptsAreExhausted(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "busy", Fault: "initiate_failed"}}}, func(c *configs.Config) { c.Retry.MaxAttempts = 4 })
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("a", callee))
	record := env.AwaitState("a", call.StateDead)
	env.AwaitDrained()
	if s := env.Simulator.Oracle().Summary; record.Reason != call.AttemptsExhausted || record.Made != 4 || record.Spent != 4 || s.Posts != 4 {
		t.Errorf("it ended %s after %d attempts, %d spent, %d POSTs", record.Reason, record.Made, record.Spent, s.Posts)
	}
	if n := env.Messages(queue.StreamDead, "calls.dead.default.attempts_exhausted.a"); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}
