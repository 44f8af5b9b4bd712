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
		w := bubble.New(t, dir, simulator.Config{}, slog.New(slog.DiscardHandler), nil)
		defer w.Close()
		w.StartWorker("one")
		<-time.After(time.Minute)
		ask := func(id string) {
			body := fmt.Sprintf(`{"id":%q,"from":%q,"to":"+919812345678","answer_url":"https://publisher.example/%s"}`, id, simulator.DefaultNumber, id)
			if _, err := w.Publish("calls.requests.default", []byte(body), nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		ask("before")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Conn.JetStream().DeleteStream(ctx, queue.StreamRecords); err != nil {
			t.Fatal(err)
		}
		if _, err := (queue.Topology{Replicas: 1}).Apply(ctx, w.Conn.JetStream()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		pulled := func() uint64 {
			c, err := w.Conn.JetStream().Consumer(ctx, queue.StreamCalls, "new-default_normal")
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
		if s := w.Simulator.Oracle().Summary; s.Rung != 1 {
			t.Errorf("%d phones rang: one is right, before the records were made anew", s.Rung)
		}
		if r, err := w.Record("default", "after"); err != nil || len(r.Attempts) > 0 {
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
		w := bubble.New(t, dir, simulator.Config{}, slog.New(slog.DiscardHandler), nil)
		defer w.Close()
		for i := range workers {
			w.StartWorker(fmt.Sprint("w", i))
		}
		<-time.After(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if err := w.Conn.JetStream().DeleteStream(ctx, queue.StreamRecords); err != nil {
			t.Fatal(err)
		}
		if _, err := (queue.Topology{Replicas: 1}).Apply(ctx, w.Conn.JetStream()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		asked, err := w.Conn.NATS().SubscribeSync("$JS.API.STREAM.INFO." + queue.StreamRecords)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(minutes * time.Minute)
		n, _, err := asked.Pending()
		if err != nil {
			t.Fatal(err)
		}
		if usual := workers * minutes * inAMinute; n < usual/2 || n > usual+workers {
			t.Errorf("they asked %d times in %d minutes, where %d are usual", n, minutes, usual)
		}
	})
}
