package control

import (
	"slices"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestStraysOutliveWhoFoundThem: requests that no consumer covers are covered by
// some worker, and are read by every other one when that one is gone. Such are
// those that CALLS of an earlier version took: on a subject that ends in no
// priority, and without one on a subject of their own.
func TestStraysOutliveWhoFoundThem(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		finder := w.StartWorker("finder")
		<-time.After(time.Minute)
		s, err := w.Conn.JetStream().Stream(t.Context(), queue.StreamCalls)
		w.do(err)
		config := s.CachedInfo().Config
		now := config
		config.SubjectTransform = nil
		config.Subjects = append(slices.Clone(config.Subjects), "calls.requests.default.critical")
		_, err = w.Conn.JetStream().UpdateStream(t.Context(), config)
		w.do(err)

		w.do(w.control().Pause(t.Context(), "", pause()))
		<-time.After(time.Second)
		w.ask("default", "bare", simulator.DefaultNumber, 3)
		w.ask("default.critical", "odd", simulator.DefaultNumber, 3)
		_, err = w.Conn.JetStream().UpdateStream(t.Context(), now)
		w.do(err)
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
