package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// TestRecreatedRecordsStopAnIdleLane: a worker that writes nothing finds
// out, too, and so the first request after it is not dialled.
func TestRecreatedRecordsStopAnIdleLane(t *testing.T) {
	runtime.GC()
	runtime.GC() // see simulate
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		env := bubble.New(t, dir, simulator.Config{}, slog.New(slog.DiscardHandler), nil)
		defer env.Close()
		env.StartWorker("one")
		<-time.After(time.Minute)
		ask := func(id string) {
			body := fmt.Sprintf(`{"id":%q,"from":%q,"to":"+919812345678","answer_url":"https://publisher.example/%s"}`, id, simulator.DefaultNumber, id)
			if _, err := env.Publish("calls.requests.default", []byte(body), nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		ask("before")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := env.Conn.JetStream().DeleteStream(ctx, queue.StreamRecords); err != nil {
			t.Fatal(err)
		}
		if _, err := (queue.Topology{Replicas: 1}).Apply(ctx, env.Conn.JetStream()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		pulled := func() uint64 {
			c, err := env.Conn.JetStream().Consumer(ctx, queue.StreamCalls, "new-default_normal")
			if err != nil {
				t.Fatal(err)
			}
			return c.CachedInfo().Delivered.Consumer
		}
		before := pulled()
		ask("after")
		if n := pulled() - before; n != 0 {
			t.Errorf("the lane has not stopped: it pulled %d times", n)
		}
		if s := env.Simulator.Oracle().Summary; s.Rung != 1 {
			t.Errorf("%d phones rang: one is right, before the records were recreated", s.Rung)
		}
		if r, err := env.Record("default", "after"); err != nil || len(r.Attempts) > 0 {
			t.Errorf("the request after it is %s with %d attempts, %v", r.State, len(r.Attempts), err)
		}
	})
}

// TestStoppedWorkersRarelyCheckTheRecords whether the records are valid again: what the
// others put into the control bucket meanwhile is no news.
func TestStoppedWorkersRarelyCheckTheRecords(t *testing.T) {
	const workers, minutes, inAMinute = 3, 20, 2
	runtime.GC()
	runtime.GC() // see simulate
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		env := bubble.New(t, dir, simulator.Config{}, slog.New(slog.DiscardHandler), nil)
		defer env.Close()
		for i := range workers {
			env.StartWorker(fmt.Sprint("w", i))
		}
		<-time.After(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if err := env.Conn.JetStream().DeleteStream(ctx, queue.StreamRecords); err != nil {
			t.Fatal(err)
		}
		if _, err := (queue.Topology{Replicas: 1}).Apply(ctx, env.Conn.JetStream()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		asked, err := env.Conn.NATS().SubscribeSync("$JS.API.STREAM.INFO." + queue.StreamRecords)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(minutes * time.Minute)
		n, _, err := asked.Pending()
		if err != nil {
			t.Fatal(err)
		}
		if expected := workers * minutes * inAMinute; n < expected/2 || n > expected+workers {
			t.Errorf("they asked %d times in %d minutes, want about %d", n, minutes, expected)
		}
	})
}
