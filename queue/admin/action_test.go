package admin_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestOneWorkerCountsAnAction: each action of an operator is counted once, by one of
// the workers of its account, and not again when it is repeated to complete it.
func TestOneWorkerCountsAnAction(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		mustRecord := brokertest.Must[call.Record](t)
		received, other := listenActions(t, b, "acme", 2), listenActions(t, b, "other", 1)
		o := brokertest.Must[*admin.Operator](t)(admin.NewOperator(t.Context(), b.Conn, queue.Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}))
		put := func(r call.Record) {
			t.Helper()
			if _, err := o.Records().Put(t.Context(), r, call.Version{}); err != nil {
				t.Fatal(err)
			}
			if r.State == call.StateWaiting {
				return
			}
			if err := o.DeadLetters().Put(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		put(queuetest.Waiting(t, "cancelled", time.Now().Add(time.Hour)))
		for _, id := range []call.ID{"discarded", "replayed"} {
			r := queuetest.NewRecord(id)
			r.Request = []byte(`{"from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}`)
			put(mustRecord(r.MarkDead(call.Expired, "", time.Now())))
		}
		for _, id := range []call.ID{"rang", "not-rung"} {
			r := mustRecord(queuetest.NewRecord(id).Claim("worker", "nonce", time.Now()))
			put(mustRecord(r.MarkUnknown("nonce", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now())))
		}
		conflict := mustRecord(queuetest.NewRecord("taken").MarkDead(call.IDConflict, "", time.Now()))
		if err := o.DeadLetters().PutConflict(t.Context(), conflict, nil); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)

		check := func(what string) func(admin.Result, error) {
			return func(_ admin.Result, err error) {
				t.Helper()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		for range 2 {
			check("cancel")(o.Cancel(t.Context(), "acme", "cancelled", note()))
			check("discard")(o.Discard(t.Context(), "acme", "discarded", note()))
			check("resolve")(o.ResolveRang(t.Context(), "acme", "rang", note()))
			check("resolve")(o.ResolveNotRung(t.Context(), "acme", "not-rung", note()))
		}
		check("replay")(o.Replay(t.Context(), "acme", "replayed", note(), false))
		page := brokertest.Must[queue.DeadLetterPage](t)(o.DeadLetters().List(t.Context(),
			queue.DeadLetterFilter{Account: "acme", Reasons: []call.Reason{call.IDConflict}, Limit: 2}))
		for _, l := range page.Letters {
			if err := o.DiscardLetter(t.Context(), l); err != nil {
				t.Error(err)
			}
		}
		want := map[call.OperatorAction]int{
			call.ActionCancel: 1, call.ActionDiscard: 2, call.ActionReplay: 1, call.ActionResolveRang: 1, call.ActionResolveNotRung: 1,
		}
		if got := received(); !maps.Equal(got, want) || len(other()) != 0 {
			t.Errorf("counted %v, and of another account %v; want %v", got, other(), want)
		}
	})
}

// listenActions counts what a number of workers of an account receive together,
// until the test ends.
func listenActions(t *testing.T, b *queuetest.Broker, a call.Account, workers int) func() map[call.OperatorAction]int {
	t.Helper()
	var mu sync.Mutex
	received := map[call.OperatorAction]int{}
	ctx, stop := context.WithCancel(t.Context())
	var listening sync.WaitGroup
	for range workers {
		listening.Go(func() {
			if err := admin.ListenActions(ctx, b.Conn, a, func(action call.OperatorAction) {
				mu.Lock()
				defer mu.Unlock()
				received[action]++
			}); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		listening.Wait()
	})
	synctest.Wait()
	return func() map[call.OperatorAction]int {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(received)
	}
}
