package endtoend_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

func from(id, number, appID string) string {
	return fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"answer_url":%q,"app_id":%q}`, id, number, callee, harness.AnswerURL, appID)
}

// TestOnlyALinkedNumberCalls and the error for every other says what to do.
func TestOnlyALinkedNumberCalls(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	const app, inactive = "sfv_app_reminders001", "+912071531301"
	if err := env.Simulator.LinkNumber(simulator.DefaultOrganisation, app, inactive, simulator.Inactive); err != nil {
		t.Fatal(err)
	}
	requests := []struct{ id, number, app, says string }{
		{"inactive-app", simulator.DefaultInactiveNumber, "", "INACTIVE"},
		{"available", simulator.DefaultAvailableNumber, "", "link it"},
		{"not-owned", "+912071539999", "", "does not belong"},
		{"inactive-link", inactive, "", "not ACTIVE"},
		{"other-app", simulator.DefaultNumber, "sfv_app_retired00001", "app_id"},
	}
	for _, c := range requests {
		env.Publish("calls.requests.default", from(c.id, c.number, c.app))
	}
	for _, c := range requests {
		record := env.AwaitState(c.id, call.StateDead)
		if record.Reason != call.NumberNotLinked || record.Made != 0 || !strings.Contains(record.Message, c.says) {
			t.Errorf("%s ended %s after %d attempts: %s", c.id, record.Reason, record.Made, record.Message)
		}
	}
	env.Publish("calls.requests.default", from("this-app", simulator.DefaultNumber, app))
	env.AwaitState("this-app", call.StatePlaced)
	if s := env.Simulator.Oracle().Summary; s.Posts != 1 {
		t.Errorf("%d POSTs", s.Posts)
	}
}

// TestANumberLinkedAfterTheLastLookUp is looked up again before its request is
// ended.
func TestANumberLinkedAfterTheLastLookUp(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("before", "+919876543211"))
	env.AwaitState("before", call.StatePlaced)
	if err := env.Simulator.LinkNumber(simulator.DefaultOrganisation, "sfv_app_reminders001", simulator.DefaultAvailableNumber, simulator.Active); err != nil {
		t.Fatal(err)
	}
	env.Publish("calls.requests.default", from("a", simulator.DefaultAvailableNumber, ""))
	env.AwaitState("a", call.StatePlaced)
}

var lookupsFail = simulator.Rule{Name: "lookups", Fault: "get_apps_failed", On: simulator.Lookups, Path: "/sfvopi/apps"}

// TestNothingIsPulledBeforeTheDirectoryIsKnown: a worker that starts while the
// look-ups fail could only put every request off, again and again.
func TestNothingIsPulledBeforeTheDirectoryIsKnown(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{lookupsFail}}, nil)
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("a", callee))
	env.Eventually("look-ups have failed", func() bool { return env.Simulator.Oracle().Summary.Lookups > 4 })
	if held, waiting := pending(t, env); held != 0 || waiting != 1 || env.Record("a").State != call.StateAbsent {
		t.Errorf("%d pulled, %d waiting", held, waiting)
	}
	if err := env.Simulator.RemoveRule(lookupsFail.Name); err != nil {
		t.Fatal(err)
	}
	env.AwaitState("a", call.StatePlaced)
}

// TestAFailedLookUpIsNoVerdict: the request waits, parked, and is placed later.
func TestAFailedLookUpIsNoVerdict(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("before", "+919876543211"))
	env.AwaitState("before", call.StatePlaced)
	if err := env.Simulator.PutRule(lookupsFail); err != nil {
		t.Fatal(err)
	}
	env.Publish("calls.requests.default", from("a", simulator.DefaultAvailableNumber, ""))
	record := env.AwaitState("a", call.StateWaiting)
	if record.Reason != call.LinkageUnknown || !record.Parked || record.Made != 0 || record.Spent != 0 {
		t.Errorf("it waits for %s, parked: %t, after %d attempts", record.Reason, record.Parked, record.Made)
	}
	if err := env.Simulator.LinkNumber(simulator.DefaultOrganisation, "sfv_app_reminders001", simulator.DefaultAvailableNumber, simulator.Active); err != nil {
		t.Fatal(err)
	}
	if err := env.Simulator.RemoveRule(lookupsFail.Name); err != nil {
		t.Fatal(err)
	}
	env.AwaitState("a", call.StatePlaced)
	if n := env.Simulator.Rung(callee); n != 1 {
		t.Errorf("rang %d times", n)
	}
}

// TestAProvidersNotLinkedIsBelieved and looked up again.
func TestAProvidersNotLinkedIsBelieved(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("before", "+919876543211"))
	env.AwaitState("before", call.StatePlaced)
	if err := env.Simulator.UnlinkNumber(simulator.DefaultOrganisation, simulator.DefaultNumber); err != nil {
		t.Fatal(err)
	}
	env.Publish("calls.requests.default", harness.Body("a", callee))
	record := env.AwaitState("a", call.StateDead)
	if record.Reason != call.NumberNotLinked || strings.Contains(record.Message, "2071531001") {
		t.Errorf("it ended %s: %s", record.Reason, record.Message)
	}
	env.Publish("calls.requests.default", harness.Body("b", callee))
	if record := env.AwaitState("b", call.StateDead); record.Made != 0 {
		t.Error("the next one was dialled on the old directory")
	}
}
