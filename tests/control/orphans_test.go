package control

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

func withShortAge(c *configs.Config) { c.Request.MaxAge = 15 * time.Minute }

func (w *environment) messagesLeft(stream string) uint64 {
	w.t.Helper()
	s, err := w.Conn.JetStream().Stream(w.t.Context(), stream)
	w.must(err)
	return s.CachedInfo().State.Msgs
}

// wantDeadLetters wants so many dead letters of an account, all for this reason.
func (w *environment) wantDeadLetters(a call.Account, reason call.Reason, want int) {
	w.t.Helper()
	letters, err := w.Conn.NewDeadLetters(time.Hour).List(w.t.Context(), queue.DeadLetterFilter{Account: a, Limit: 1000})
	w.must(err)
	for _, l := range letters.Letters {
		if l.Reason != reason {
			w.t.Errorf("a letter says %s", l.Reason)
		}
	}
	if len(letters.Letters) != want {
		w.t.Errorf("%d dead letters, want %d", len(letters.Letters), want)
	}
}

// TestOrphanedRequestsExpire: its requests stay, are shown, and end as
// unknown_account when they are too old, and not before.
func TestOrphanedRequestsExpire(t *testing.T) {
	for _, c := range []struct {
		name    string
		account string
		under   call.Account // where the dead letters stand
	}{
		{"never served", "nobody", "nobody"},
		{"served before", "acme", "acme"},
		{"no possible name", "No_Such+Name", "no-account"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, withShortAge, func(t *testing.T, w *environment) {
				const requests = 20
				first := withAccounts(w.Config, "default", "acme")
				given := w.Config
				w.Config = first
				worker, other := w.StartWorker("one"), w.StartWorker("two")
				<-time.After(time.Minute)
				worker.App.Reload(given)
				other.App.Reload(given)
				<-time.After(5 * time.Minute)
				w.publish(call.Account(c.account), "stray", simulator.DefaultNumber, requests)
				<-time.After(12 * time.Minute)
				if n := w.messagesLeft(queue.StreamCalls); n != requests {
					t.Fatalf("%d requests are left before they are too old", n)
				}
				if n, _ := metric(t, other, "ringonce_orphaned_requests"); n != requests {
					t.Errorf("%v requests are shown as unserved", n)
				}
				<-time.After(6 * time.Minute)
				if n := w.messagesLeft(queue.StreamCalls); n != 0 {
					t.Errorf("%d requests are left", n)
				}
				w.wantDeadLetters(c.under, call.UnknownAccount, requests)
				one, _ := metric(t, worker, "ringonce_orphaned_ended_total")
				two, _ := metric(t, other, "ringonce_orphaned_ended_total")
				if one+two < requests {
					t.Errorf("%v and %v were counted", one, two)
				}
				w.wantRungOnce(0)
			})
		})
	}
}

// TestUnreadableOrphansDelayNoOthers account that nobody serves: neither those
// before it nor those behind.
func TestUnreadableOrphansDelayNoOthers(t *testing.T) {
	inBubble(t, withShortAge, func(t *testing.T, w *environment) {
		given := w.Config
		w.Config = withAccounts(given, "default", "bravo")
		w.must(w.Simulator.PutRule(simulator.Rule{Name: "down", Fault: "service_temporarily_unavailable"}))
		worker := w.StartWorker("one")
		<-time.After(20 * time.Second)
		w.publish("bravo", "call", simulator.DefaultNumber, 1)
		for w.messagesLeft(queue.StreamParked) < 1 {
			<-time.After(time.Second)
		}
		worker.App.Reload(given)
		for _, name := range []string{"alpha", "charlie"} {
			_, err := w.Conn.JetStream().Publish(t.Context(), "calls.due."+name+".normal", []byte("no record"))
			w.must(err)
		}
		<-time.After(40 * time.Minute)
		w.wantDeadLetters("bravo", call.UnknownAccount, 1)
		if n := w.messagesLeft(queue.StreamParked); n != 2 {
			t.Errorf("%d due calls are left, want the two that nobody can read", n)
		}
	})
}

// TestParkedCallsOfARemovedAccount ends when it comes back, and a call whose
// worker was lost is held: it may have rung.
func TestParkedCallsOfARemovedAccount(t *testing.T) {
	// The retry must not be under way when its worker is lost.
	inBubble(t, func(c *configs.Config) {
		withShortAge(c)
		c.Retry.InitialDelay = c.Retry.MaxDelay
	}, func(t *testing.T, w *environment) {
		given := w.Config
		w.Config = withAccounts(given, "default", "acme")
		w.Config.Accounts["default"], w.Config.Accounts["acme"] = withConcurrency(w.Config.Accounts["default"], 4), withConcurrency(w.Config.Accounts["acme"], 4)
		lost := w.StartWorker("lost")
		<-time.After(20 * time.Second)
		w.must(w.Simulator.PutRule(simulator.Rule{Name: "down", Fault: "service_temporarily_unavailable", Callee: "+919876500001"}))
		w.publish("acme", "call", simulator.DefaultNumber, 2)
		for w.posts("") < 2 {
			<-time.After(10 * time.Millisecond)
		}
		<-time.After(4 * time.Second) // one is parked now
		w.publish("acme", "lost", simulator.DefaultNumber, 1)
		for w.posts("https://publisher.example/lost") < 1 {
			<-time.After(10 * time.Millisecond)
		}
		lost.Kill()
		w.Config = given
		w.StartWorker("one")
		w.StartWorker("two")
		<-time.After(40 * time.Minute)
		if n := w.messagesLeft(queue.StreamCalls) + w.messagesLeft(queue.StreamParked); n != 0 {
			t.Errorf("%d messages are left", n)
		}
		states := w.states("acme", "call", 2)
		if states[call.StatePlaced] != 1 || states[call.StateDead] != 1 {
			t.Errorf("the calls ended %v", states)
		}
		if states := w.states("acme", "lost", 1); states[call.StateUnknown] != 1 {
			t.Errorf("the call of the lost worker ended %v", states)
		}
	})
}

// TestOrphanedRequestsAreServedOnceAWorkerStarts up to the end of their age.
func TestOrphanedRequestsAreServedOnceAWorkerStarts(t *testing.T) {
	inBubble(t, withShortAge, func(t *testing.T, w *environment) {
		worker := w.StartWorker("one")
		w.StartWorker("two")
		w.publish("acme", "acme", simulator.DefaultNumber, 20)
		<-time.After(13 * time.Minute)
		worker.App.Reload(withAccounts(w.Config, "default", "acme"))
		<-time.After(5 * time.Minute)
		w.wantRungOnce(20)
		w.wantDeadLetters("acme", "", 0)
	})
}

// TestAPausedAccountHasNoOrphans, although nobody pulls its requests, and by another
// worker than the one that looks.
func TestAPausedAccountHasNoOrphans(t *testing.T) {
	inBubble(t, withShortAge, func(t *testing.T, w *environment) {
		given := w.Config
		w.Config = withAccounts(given, "default", "acme")
		w.StartWorker("one")
		w.Config = given
		other := w.StartWorker("two")
		<-time.After(time.Minute)
		w.must(w.control().Pause(t.Context(), "acme", pause()))
		<-time.After(time.Second) // until it holds everywhere
		w.publish("acme", "call", simulator.DefaultNumber, 5)
		<-time.After(40 * time.Minute)
		if n, _ := metric(t, other, "ringonce_orphaned_requests"); n != 0 {
			t.Errorf("%v requests are shown as unserved", n)
		}
		w.must(w.control().Resume(t.Context(), "acme"))
		<-time.After(5 * time.Minute)
		w.wantDeadLetters("acme", call.Expired, 5)
	})
}
