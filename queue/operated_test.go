package queue

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// Each thing that an operator does is counted once, by one of the workers of its
// account, and not again when it is repeated to complete it.
func TestOneWorkerCountsWhatAnOperatorDoes(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		heard, other := listenOperators(t, b, "acme", 2), listenOperators(t, b, "other", 1)
		o := must[*Operator](t)(b.NewOperator(t.Context(), Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}))
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
		put(waiting(t, "cancelled", time.Now().Add(time.Hour)))
		for _, id := range []call.ID{"discarded", "replayed"} {
			r := newRecord(id)
			r.Request = []byte(`{"from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}`)
			put(must[call.Record](t)(r.MarkDead(call.Expired, "", time.Now())))
		}
		for _, id := range []call.ID{"rang", "quiet"} {
			r := must[call.Record](t)(newRecord(id).Claim("worker", "nonce", time.Now()))
			put(must[call.Record](t)(r.MarkUnknown("nonce", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now())))
		}
		conflict := must[call.Record](t)(newRecord("taken").MarkDead(call.IDConflict, "", time.Now()))
		if err := o.DeadLetters().PutConflict(t.Context(), conflict, nil); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)

		note := func() call.Note { return call.Note{At: time.Now(), By: "asha", Why: "a test"} }
		done := func(what string) func(Result, error) {
			return func(_ Result, err error) {
				t.Helper()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		for range 2 {
			done("cancel")(o.Cancel(t.Context(), "acme", "cancelled", note()))
			done("discard")(o.Discard(t.Context(), "acme", "discarded", note()))
			done("resolve")(o.ResolveRang(t.Context(), "acme", "rang", note()))
			done("resolve")(o.ResolveNotRung(t.Context(), "acme", "quiet", note()))
		}
		done("replay")(o.Replay(t.Context(), "acme", "replayed", note(), false))
		letters := must[DeadLetterPage](t)(o.DeadLetters().List(t.Context(), DeadLetterFilter{Account: "acme", Reasons: []call.Reason{call.IDConflict}, Limit: 2}))
		for _, l := range letters.Letters {
			if err := o.DiscardLetter(t.Context(), l); err != nil {
				t.Error(err)
			}
		}
		want := map[call.OperatorAction]int{
			call.ActionCancel: 1, call.ActionDiscard: 2, call.ActionReplay: 1, call.ActionResolveRang: 1, call.ActionResolveNotRung: 1,
		}
		if got := heard(); !maps.Equal(got, want) || len(other()) != 0 {
			t.Errorf("counted %v, and of another account %v; want %v", got, other(), want)
		}
	})
}

// listenOperators counts what so many workers of an account receive together, until
// the test ends.
func listenOperators(t *testing.T, b *broker, a call.Account, workers int) func() map[call.OperatorAction]int {
	t.Helper()
	var mu sync.Mutex
	heard := map[call.OperatorAction]int{}
	ctx, stop := context.WithCancel(t.Context())
	var listening sync.WaitGroup
	for range workers {
		listening.Go(func() {
			if err := b.ListenOperatorActions(ctx, a, func(action call.OperatorAction) {
				mu.Lock()
				defer mu.Unlock()
				heard[action]++
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
		return maps.Clone(heard)
	}
}
