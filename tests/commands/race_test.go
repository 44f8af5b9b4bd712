package commands_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

var keep = queue.Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}

func openOperator(t *testing.T, r *harness.Environment) *admin.Operator {
	t.Helper()
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), r.Conn.JetStream()); err != nil {
		t.Fatal(err)
	}
	o, err := admin.NewOperator(t.Context(), r.Conn, keep)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func note() call.Note { return call.Note{At: time.Now(), By: "asha@desk", Why: "a test"} }

// Two operators replay the same dead letters while two workers dial: every phone
// rings once.
func TestReplayingTwiceRingsOnce(t *testing.T) {
	r := harness.New(t, simulator.Config{}, nil)
	o := openOperator(t, r)
	r.AwaitReady(r.Start("one"))
	r.AwaitReady(r.Start("two"))
	const calls = 25
	ids := make([]string, calls)
	for i := range calls {
		ids[i] = fmt.Sprintf("r%d", i)
		// Refused for good the first time; the answer URL makes each count for
		// itself.
		r.Publish("calls.requests.default", fmt.Sprintf(`{"id":%q,"from":%q,"to":"+919000040011","answer_url":"%s/%[1]s"}`,
			ids[i], simulator.DefaultNumber, harness.AnswerURL))
	}
	r.AwaitDrained()
	var operators sync.WaitGroup
	for range 2 {
		operators.Go(func() {
			for _, id := range ids {
				_, err := o.Replay(t.Context(), harness.Account, call.ID(id), note(), false)
				var refused *admin.PreconditionError
				if err != nil && !errors.As(err, &refused) { // the other was first
					t.Error(err)
				}
			}
		})
	}
	operators.Wait()
	for _, id := range ids {
		if record := r.AwaitState(id, call.StatePlaced); record.Made != 2 {
			t.Errorf("%s: %d attempts, want 2", id, record.Made)
		}
	}
	r.AwaitDrained()
	if s := r.Simulator.Oracle().Summary; s.Rung != calls || s.RungTwice != 0 {
		t.Errorf("%d phones rang, %d of them twice; want %d and 0", s.Rung, s.RungTwice, calls)
	}
	if left := r.Messages(queue.StreamDead, ">"); left != 0 {
		t.Errorf("%d dead letters are left", left)
	}
}

// Calls are cancelled while workers claim them: each is either cancelled and does
// not ring, or rings once, and the result says which.
func TestCancellingWhileWorkersClaim(t *testing.T) {
	r := harness.New(t, simulator.Config{}, nil)
	o := openOperator(t, r)
	r.AwaitReady(r.Start("one"))
	const calls = 100
	cancelled := make([]bool, calls)
	var operators sync.WaitGroup
	for i := range calls {
		id := fmt.Sprintf("c%d", i)
		r.Publish("calls.requests.default", harness.Body(id, fmt.Sprintf("+9198765%05d", i)))
		operators.Go(func() {
			_, err := o.Cancel(t.Context(), harness.Account, call.ID(id), note())
			var refused *admin.PreconditionError
			if err != nil && !errors.As(err, &refused) {
				t.Error(err)
			}
			cancelled[i] = err == nil
		})
	}
	operators.Wait()
	r.AwaitDrained()
	rung := 0
	for i := range calls {
		want := call.StatePlaced
		if cancelled[i] {
			want = call.StateCancelled
		} else {
			rung++
		}
		if record := r.AwaitState(fmt.Sprintf("c%d", i), want); cancelled[i] && record.Made != 0 {
			t.Errorf("c%d is cancelled after %d attempts", i, record.Made)
		}
	}
	if s := r.Simulator.Oracle().Summary; s.Rung != rung || s.RungTwice != 0 {
		t.Errorf("%d phones rang, %d of them twice; want %d and 0", s.Rung, s.RungTwice, rung)
	}
	t.Logf("%d of %d were cancelled in time", calls-rung, calls)
}

// A worker wrote the dead letter of a request and died before it acknowledged.
// An operator discards the call; then the request is delivered again.
func TestADiscardedCallStaysDiscarded(t *testing.T) {
	r := harness.New(t, simulator.Config{}, nil)
	o := openOperator(t, r)
	consumers, err := pull.NewConsumers(r.Conn, pull.Options{})
	if err != nil {
		t.Fatal(err)
	}
	consumer := consumers.New(pull.Config{
		Account: harness.Account, AckWait: r.Config.Provider.AckWait(), Provision: true, Log: r.Log,
	})
	if err := consumer.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := harness.Body("d1", "+919812345678")
	r.Publish("calls.requests.default", body)
	lost, err := r.Conn.JetStream().Consumer(t.Context(), queue.StreamCalls, "new-"+string(harness.Account)+"_normal")
	if err != nil {
		t.Fatal(err)
	}
	m, err := lost.Next(jetstream.FetchMaxWait(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	_, digest, err := call.DecodeRequest([]byte(body), call.PossibleNumbers)
	if err != nil {
		t.Fatal(err)
	}
	origin := call.Origin{Sequence: meta.Sequence.Stream, Published: meta.Timestamp}
	dead, err := call.NewRecord(harness.Account, "d1", digest, origin, call.Normal, "", []byte(body)).MarkDead(call.NumberNotLinked, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Records().Put(t.Context(), dead, call.Version{}); err != nil {
		t.Fatal(err)
	}
	if err := o.DeadLetters().Put(t.Context(), dead, nil); err != nil {
		t.Fatal(err)
	}

	if _, err := o.Discard(t.Context(), harness.Account, "d1", note()); err != nil {
		t.Fatal(err)
	}
	if err := m.Nak(); err != nil {
		t.Fatal(err)
	}
	r.AwaitReady(r.Start("one"))
	r.AwaitDrained()
	record := r.Record("d1")
	if record.State != call.StateDead || !record.Discarded || record.Made != 0 {
		t.Errorf("the record is %s, discarded %t, %d attempts", record.State, record.Discarded, record.Made)
	}
	if left := r.Messages(queue.StreamDead, ">"); left != 0 {
		t.Errorf("%d dead letters came back", left)
	}
	if rung := r.Simulator.Oracle().Summary.Rung; rung != 0 {
		t.Errorf("%d phones rang", rung)
	}
}
