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

func (env *environment) messagesLeft(stream string) uint64 {
	env.t.Helper()
	s, err := env.Conn.JetStream().Stream(env.t.Context(), stream)
	env.must(err)
	return s.CachedInfo().State.Msgs
}

// wantDeadLetters wants so many dead letters of an account, all for this reason.
func (env *environment) wantDeadLetters(a call.Account, reason call.Reason, want int) {
	env.t.Helper()
	letters, err := env.Conn.NewDeadLetters(time.Hour).List(env.t.Context(), queue.DeadLetterFilter{Account: a, Limit: 1000})
	env.must(err)
	for _, l := range letters.Letters {
		if l.Reason != reason {
			env.t.Errorf("a letter says %s", l.Reason)
		}
	}
	if len(letters.Letters) != want {
		env.t.Errorf("%d dead letters, want %d", len(letters.Letters), want)
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
			inBubble(t, withShortAge, func(t *testing.T, env *environment) {
				const requests = 20
				first := withAccounts(env.Config, "default", "acme")
				given := env.Config
				env.Config = first
				worker, other := env.StartWorker("one"), env.StartWorker("two")
				<-time.After(time.Minute)
				worker.App.Reload(given)
				other.App.Reload(given)
				<-time.After(5 * time.Minute)
				env.publish(call.Account(c.account), "orphan", simulator.DefaultNumber, requests)
				<-time.After(12 * time.Minute)
				if n := env.messagesLeft(queue.StreamCalls); n != requests {
					t.Fatalf("%d requests are left before they are too old", n)
				}
				if n, _ := metric(t, other, "ringonce_orphaned_requests"); n != requests {
					t.Errorf("%v requests are shown as orphaned", n)
				}
				<-time.After(6 * time.Minute)
				if n := env.messagesLeft(queue.StreamCalls); n != 0 {
					t.Errorf("%d requests are left", n)
				}
				env.wantDeadLetters(c.under, call.UnknownAccount, requests)
				one, _ := metric(t, worker, "ringonce_orphaned_ended_total")
				two, _ := metric(t, other, "ringonce_orphaned_ended_total")
				if one+two < requests {
					t.Errorf("%v and %v were counted", one, two)
				}
				env.wantRungOnce(0)
			})
		})
	}
}

// TestUnreadableOrphansDelayNoOthers: neither those before them nor those
// behind.
func TestUnreadableOrphansDelayNoOthers(t *testing.T) {
	inBubble(t, withShortAge, func(t *testing.T, env *environment) {
		given := env.Config
		env.Config = withAccounts(given, "default", "bravo")
		env.must(env.Simulator.PutRule(simulator.Rule{Name: "down", Fault: "service_temporarily_unavailable"}))
		worker := env.StartWorker("one")
		<-time.After(20 * time.Second)
		env.publish("bravo", "call", simulator.DefaultNumber, 1)
		for env.messagesLeft(queue.StreamParked) < 1 {
			<-time.After(time.Second)
		}
		worker.App.Reload(given)
		for _, name := range []string{"alpha", "charlie"} {
			_, err := env.Conn.JetStream().Publish(t.Context(), "calls.due."+name+".normal", []byte("no record"))
			env.must(err)
		}
		<-time.After(40 * time.Minute)
		env.wantDeadLetters("bravo", call.UnknownAccount, 1)
		if n := env.messagesLeft(queue.StreamParked); n != 2 {
			t.Errorf("%d due calls are left, want the two that cannot be read", n)
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
	}, func(t *testing.T, env *environment) {
		given := env.Config
		env.Config = withAccounts(given, "default", "acme")
		env.Config.Accounts["default"], env.Config.Accounts["acme"] = withConcurrency(env.Config.Accounts["default"], 4), withConcurrency(env.Config.Accounts["acme"], 4)
		lost := env.StartWorker("lost")
		<-time.After(20 * time.Second)
		env.must(env.Simulator.PutRule(simulator.Rule{Name: "down", Fault: "service_temporarily_unavailable", Callee: "+919876500001"}))
		env.publish("acme", "call", simulator.DefaultNumber, 2)
		for env.posts("") < 2 {
			<-time.After(10 * time.Millisecond)
		}
		<-time.After(4 * time.Second) // one is parked now
		env.publish("acme", "lost", simulator.DefaultNumber, 1)
		for env.posts("https://publisher.example/lost") < 1 {
			<-time.After(10 * time.Millisecond)
		}
		lost.Kill()
		env.Config = given
		env.StartWorker("one")
		env.StartWorker("two")
		<-time.After(40 * time.Minute)
		if n := env.messagesLeft(queue.StreamCalls) + env.messagesLeft(queue.StreamParked); n != 0 {
			t.Errorf("%d messages are left", n)
		}
		states := env.states("acme", "call", 2)
		if states[call.StatePlaced] != 1 || states[call.StateDead] != 1 {
			t.Errorf("the calls ended %v", states)
		}
		if states := env.states("acme", "lost", 1); states[call.StateUnknown] != 1 {
			t.Errorf("the call of the lost worker ended %v", states)
		}
	})
}

// TestOrphanedRequestsAreServedOnceAWorkerStarts up to the end of their age.
func TestOrphanedRequestsAreServedOnceAWorkerStarts(t *testing.T) {
	inBubble(t, withShortAge, func(t *testing.T, env *environment) {
		worker := env.StartWorker("one")
		env.StartWorker("two")
		env.publish("acme", "acme", simulator.DefaultNumber, 20)
		<-time.After(13 * time.Minute)
		worker.App.Reload(withAccounts(env.Config, "default", "acme"))
		<-time.After(5 * time.Minute)
		env.wantRungOnce(20)
		env.wantDeadLetters("acme", "", 0)
	})
}

// TestAPausedAccountHasNoOrphans, although no worker pulls its requests, not even for another
// worker than the one that looks.
func TestAPausedAccountHasNoOrphans(t *testing.T) {
	inBubble(t, withShortAge, func(t *testing.T, env *environment) {
		given := env.Config
		env.Config = withAccounts(given, "default", "acme")
		env.StartWorker("one")
		env.Config = given
		other := env.StartWorker("two")
		<-time.After(time.Minute)
		env.must(env.control().Pause(t.Context(), "acme", pause()))
		<-time.After(time.Second) // until it holds everywhere
		env.publish("acme", "call", simulator.DefaultNumber, 5)
		<-time.After(40 * time.Minute)
		if n, _ := metric(t, other, "ringonce_orphaned_requests"); n != 0 {
			t.Errorf("%v requests are shown as orphaned", n)
		}
		env.must(env.control().Resume(t.Context(), "acme"))
		<-time.After(5 * time.Minute)
		env.wantDeadLetters("acme", call.Expired, 5)
	})
}
