package control

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// leave puts requests into CALLS that no usual consumer covers, as an earlier
// version left them: some without a priority, and some with one that is none.
func (w *world) leave(requests int) {
	w.t.Helper()
	w.do(w.AsBefore([]string{"calls.requests.default.critical"}, func() error {
		w.ask("default", "bare", simulator.DefaultNumber, requests)
		w.ask("default.critical", "odd", simulator.DefaultNumber, requests)
		return nil
	}))
}

// TestStraysOutliveWhoFoundThem: requests that no usual consumer covers are
// covered by some worker, and are read by every other one when that one is gone.
func TestStraysOutliveWhoFoundThem(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		finder := w.StartWorker("finder")
		<-time.After(time.Minute)
		w.do(w.control().Pause(t.Context(), "", pause()))
		<-time.After(time.Second) // until it holds everywhere
		w.leave(3)
		<-time.After(time.Minute)
		if _, err := w.Conn.JetStream().Consumer(t.Context(), queue.StreamCalls, "odd-default"); err != nil {
			t.Fatalf("nobody covers them: %v", err)
		}
		finder.Kill()
		w.StartWorker("heir")
		<-time.After(time.Minute)
		w.do(w.control().Resume(t.Context(), ""))
		<-time.After(time.Minute)
		if got := w.states("default", "bare", 3); got[call.StatePlaced] != 3 {
			t.Errorf("those without a priority are %v", got)
		}
		if got := w.states("default", "odd", 3); got[call.StateDead] != 3 {
			t.Errorf("those with another one are %v", got)
		}
		w.rungOnce(3)
		if n := w.left(queue.StreamCalls); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// TestStraysInHandOutliveWhoHeldThem although nothing waits any more when their
// worker goes away: they are in its hands, as the broker knows.
func TestStraysInHandOutliveWhoHeldThem(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		finder := w.StartWorker("finder")
		<-time.After(time.Minute)
		w.leave(3)
		for range 120 { // they are looked for once a minute here
			if w.posts("") == 3 {
				break
			}
			<-time.After(time.Second)
		}
		finder.Kill()
		w.StartWorker("heir")
		<-time.After(10 * time.Minute)
		if got := w.states("default", "bare", 3); got[call.StateUnknown] != 3 {
			t.Errorf("they are %v", got)
		}
		w.rungOnce(3)
		if n := w.left(queue.StreamCalls); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}
