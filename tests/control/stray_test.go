package control

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestStraysOutliveWhoFoundThem: requests that no consumer covers are covered by
// some worker, and are read by every other one when that one is gone. Such are
// those whose subject ends in no priority, and those that name none in a stream
// that does not keep these as normal.
func TestStraysOutliveWhoFoundThem(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		finder := w.StartWorker("finder")
		<-time.After(time.Minute)
		s, err := w.Conn.JetStream().Stream(t.Context(), queue.StreamCalls)
		w.do(err)
		config := s.CachedInfo().Config
		config.SubjectTransform = nil
		_, err = w.Conn.JetStream().UpdateStream(t.Context(), config)
		w.do(err)

		w.do(w.control().Pause(t.Context(), "", pause()))
		<-time.After(time.Second)
		w.ask("default", "bare", simulator.DefaultNumber, 3)
		w.ask("default.critical", "odd", simulator.DefaultNumber, 3)
		<-time.After(time.Minute)
		if _, err := s.Consumer(t.Context(), "odd-default"); err != nil {
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
