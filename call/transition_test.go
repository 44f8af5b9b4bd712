package call_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var (
	placed    = call.Outcome{Class: call.Placed, Reason: call.Accepted, Status: 200, RequestUUID: "sfv_ob_req_a8k3m2x9p1z0"}
	refused   = call.Outcome{Class: call.Refused, Reason: call.ServiceUnavailable, Status: 500, Message: "Service temporarily unavailable"}
	suspended = call.Outcome{Class: call.Suspended, Reason: call.Unauthorized, Status: 401, Message: "UnAuthorized"}
	rejected  = call.Outcome{Class: call.Rejected, Reason: call.NumberNotLinked, Status: 400, Message: "not linked"}
	rangDead  = call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, Status: 502, MayHaveRung: true}
	unknown   = call.Outcome{Class: call.Unknown, Reason: call.TimedOut, Message: "no answer"}
)

// operation is one way to change a record. nonce "n" is that of its latest
// attempt in the table below.
type operation struct {
	name string
	do   func(r call.Record, now time.Time) (call.Record, error)
}

func operations() []operation {
	note := func(now time.Time) call.Note { return call.Note{At: now, By: "ann", What: "test", Why: "because"} }
	return []operation{
		{"claim", func(r call.Record, now time.Time) (call.Record, error) { return r.Claim("worker-1", "m", now) }},
		{"place", func(r call.Record, now time.Time) (call.Record, error) { return r.MarkPlaced("n", placed, now), nil }},
		{"place, foreign", func(r call.Record, now time.Time) (call.Record, error) {
			return r.MarkPlaced("foreign", placed, now), nil
		}},
		{"retry", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Retry("n", refused, now.Add(time.Minute), true, true, now)
		}},
		{"retry, suspended", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Retry("n", suspended, now.Add(time.Minute), false, false, now)
		}},
		{"retry, foreign", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Retry("foreign", refused, now, true, true, now)
		}},
		{"retry, unknown", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Retry("n", unknown, now, true, true, now)
		}},
		{"retry, placed", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Retry("n", placed, now, true, true, now)
		}},
		{"retry, rejected after a ring", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Retry("n", rangDead, now, true, true, now)
		}},
		{"retry, refused and yet may have rung", func(r call.Record, now time.Time) (call.Record, error) {
			o := refused
			o.MayHaveRung = true
			return r.Retry("n", o, now, true, true, now)
		}},
		{"reject", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Reject("n", rejected, call.NumberNotLinked, now)
		}},
		{"reject, exhausted", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Reject("n", refused, call.AttemptsExhausted, now)
		}},
		{"reject, after a ring", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Reject("n", rangDead, call.WebhookFailed, now)
		}},
		{"reject, foreign", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Reject("foreign", rejected, call.NumberNotLinked, now)
		}},
		{"reject, unknown", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Reject("n", unknown, call.AttemptsExhausted, now)
		}},
		{"hold", func(r call.Record, now time.Time) (call.Record, error) { return r.MarkUnknown("n", unknown, now) }},
		{"hold, foreign", func(r call.Record, now time.Time) (call.Record, error) { return r.MarkUnknown("foreign", unknown, now) }},
		{"hold, no nonce", func(r call.Record, now time.Time) (call.Record, error) { return r.MarkUnknown("", unknown, now) }},
		{"end", func(r call.Record, now time.Time) (call.Record, error) {
			return r.MarkDead(call.Expired, "too late", now)
		}},
		{"wait", func(r call.Record, now time.Time) (call.Record, error) {
			return r.Park(call.LinkageUnknown, now.Add(time.Minute), now)
		}},
		{"cancel", func(r call.Record, now time.Time) (call.Record, error) { return r.Cancel(note(now)) }},
		{"reopen", func(r call.Record, now time.Time) (call.Record, error) { return r.Reopen(note(now)) }},
		{"resolve rang", func(r call.Record, now time.Time) (call.Record, error) { return r.ResolveRang(note(now)) }},
		{"resolve not rung", func(r call.Record, now time.Time) (call.Record, error) { return r.ResolveNotRung(note(now)) }},
		{"discard", func(r call.Record, now time.Time) (call.Record, error) { return r.Discard(note(now)) }},
	}
}

// starts gives a record of every state, most of them with an attempt "n" and a
// note behind them.
func starts() map[string]call.Record {
	at := func(hours int) time.Time { return published.Add(time.Duration(hours) * time.Hour) }
	note := func(hours int) call.Note { return call.Note{At: at(hours), By: "ann", What: "replay", Why: "fixed"} }
	absent := newRecord()
	reopened := must(must(absent.MarkDead(call.Expired, "", at(1))).Reopen(note(2)))
	dialling := must(reopened.Claim("worker-1", "n", at(3)))
	rang := must(dialling.Reject("n", rangDead, call.WebhookFailed, at(4)))
	dead := must(dialling.Reject("n", rejected, call.NumberNotLinked, at(4)))
	return map[string]call.Record{
		"absent":           absent,
		"waiting":          must(dialling.Retry("n", refused, at(5), true, true, at(4))),
		"dialling":         dialling,
		"placed":           dialling.MarkPlaced("n", placed, at(4)),
		"dead":             dead,
		"dead, discarded":  must(dead.Discard(note(5))),
		"dead, rang":       rang,
		"dead, rang, disc": must(rang.Discard(note(5))),
		"unknown":          must(dialling.MarkUnknown("n", unknown, at(4))),
		"cancelled":        must(must(dialling.Retry("n", refused, at(5), true, true, at(4))).Cancel(note(5))),
	}
}

// TestEveryTransitionFromEveryState is the state diagram as a table: what is
// not listed must be refused with a TransitionError.
func TestEveryTransitionFromEveryState(t *testing.T) {
	idle := map[string]call.State{
		"claim": call.StateDialling, "end": call.StateDead, "wait": call.StateWaiting, "cancel": call.StateCancelled,
	}
	evidence := map[string]call.State{
		"retry": call.StateWaiting, "retry, suspended": call.StateWaiting,
		"reject": call.StateDead, "reject, exhausted": call.StateDead, "reject, after a ring": call.StateDead,
	}
	resolve := map[string]call.State{"resolve rang": call.StatePlaced, "resolve not rung": call.StateWaiting}
	allowed := map[string][]map[string]call.State{
		"absent":           {idle},
		"waiting":          {idle},
		"dialling":         {evidence, {"hold": call.StateUnknown}},
		"placed":           {},
		"dead":             {{"reopen": call.StateWaiting, "discard": call.StateDead}},
		"dead, discarded":  {{"reopen": call.StateWaiting}},
		"dead, rang":       {resolve, {"discard": call.StateDead}},
		"dead, rang, disc": {resolve},
		"unknown":          {evidence, resolve},
		"cancelled":        {},
	}
	now := published.Add(24 * time.Hour)
	for name, start := range starts() {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				want, ok := call.StateAbsent, false
				for _, group := range allowed[name] {
					if s, listed := group[op.name]; listed {
						want, ok = s, true
					}
				}
				if op.name == "place" || op.name == "place, foreign" {
					want, ok = call.StatePlaced, true
				}
				// Room behind the slices must not be written to either: two
				// successors of one record would share it.
				start.Attempts, start.Notes = slices.Grow(slices.Clone(start.Attempts), 1), slices.Grow(slices.Clone(start.Notes), 1)
				before := deepCopy(start)
				got, err := op.do(start, now)
				if !reflect.DeepEqual(start, before) {
					t.Errorf("the receiver was changed:\n%+v\nwas\n%+v", start, before)
				}
				if start.Attempts[:len(start.Attempts)+1][len(start.Attempts)] != (call.Attempt{}) ||
					start.Notes[:len(start.Notes)+1][len(start.Notes)] != (call.Note{}) {
					t.Error("the room behind the receiver's slices was written to")
				}
				if ok {
					if err != nil || got.State != want || !got.Changed.Equal(now) {
						t.Errorf("got %q at %v, %v; want %q", got.State, got.Changed, err, want)
					}
					return
				}
				var refusal *call.TransitionError
				if !errors.As(err, &refusal) || refusal.From != start.State || refusal.Error() == "" {
					t.Errorf("got %q, %v; want a TransitionError from %q", got.State, err, start.State)
				}
				if !reflect.DeepEqual(got, before) {
					t.Errorf("refused, and yet changed: %+v", got)
				}
			})
		}
	}
}

func deepCopy(r call.Record) call.Record {
	r.Attempts, r.Notes, r.Request = slices.Clone(r.Attempts), slices.Clone(r.Notes), slices.Clone(r.Request)
	return r
}

func TestTransitionsSayWhatTheyRecord(t *testing.T) {
	now := published.Add(24 * time.Hour)
	from := starts()

	r := must(from["waiting"].Claim("worker-2", "m", now))
	last, _ := r.LastAttempt()
	if want := (call.Attempt{N: 2, Worker: "worker-2", Nonce: "m", ClaimedAt: now}); last != want || r.Nonce() != "m" || r.Made != 2 {
		t.Errorf("claimed: %+v, made %d", last, r.Made)
	}
	if !r.NextAt.IsZero() || r.Parked || r.Reason != "" || r.Message != "" {
		t.Errorf("claimed, and still waiting: %+v", r)
	}

	next := now.Add(time.Minute)
	r = must(from["dialling"].Retry("n", refused, next, true, true, now))
	last, _ = r.LastAttempt()
	if !r.NextAt.Equal(next) || !r.Parked || r.Spent != 1 || r.Reason != refused.Reason || r.Message != refused.Message ||
		!last.Spent || last.Class != call.Refused || last.Status != 500 || !last.EndedAt.Equal(now) {
		t.Errorf("retried: %+v", r)
	}
	r = must(from["dialling"].Retry("n", suspended, next, false, false, now))
	last, _ = r.LastAttempt()
	if r.Parked || r.Spent != 0 || last.Spent || last.Reason != call.Unauthorized {
		t.Errorf("suspended: %+v", r)
	}

	r = must(from["dialling"].Reject("n", refused, call.AttemptsExhausted, now))
	last, _ = r.LastAttempt()
	if r.Reason != call.AttemptsExhausted || last.Reason != refused.Reason || r.MayHaveRung || r.Spent != 1 {
		t.Errorf("exhausted: %+v", r)
	}
	if r = must(from["dialling"].Reject("n", rangDead, call.WebhookFailed, now)); !r.MayHaveRung {
		t.Errorf("rejected after a ring: %+v", r)
	}
	if r = must(from["dialling"].MarkUnknown("n", unknown, now)); r.Reason != call.OutcomeUnknown || !r.MayHaveRung || r.Message != unknown.Message {
		t.Errorf("held: %+v", r)
	}
	if r = from["unknown"].MarkPlaced("n", placed, now); r.RequestUUID != placed.RequestUUID || r.MayHaveRung || r.Reason != "" {
		t.Errorf("placed by late evidence: %+v", r)
	}
	if last, _ = r.LastAttempt(); last.Class != call.Placed || last.RequestUUID != placed.RequestUUID {
		t.Errorf("its attempt: %+v", last)
	}
	if r = must(from["waiting"].Park(call.NotYet, next, now)); !r.Parked || !r.NextAt.Equal(next) || r.Reason != call.NotYet || r.Spent != 1 {
		t.Errorf("waiting on: %+v", r)
	}
	if r = must(from["waiting"].MarkDead(call.Expired, "too late", now)); r.Reason != call.Expired || r.Message != "too late" || !r.NextAt.IsZero() {
		t.Errorf("ended: %+v", r)
	}
}

func TestOperatorTransitionsKeepANote(t *testing.T) {
	now := published.Add(24 * time.Hour)
	n := call.Note{At: now, By: "ann", What: "replay", Why: "linked"}
	from := starts()
	for name, r := range map[string]call.Record{
		"reopen":           must(from["dead"].Reopen(n)),
		"resolve not rung": must(from["unknown"].ResolveNotRung(n)),
	} {
		if r.NextAt != now || !r.Parked || r.Since != now || r.Spent != 0 || r.Made != 1 || r.MayHaveRung || r.Reason != "" {
			t.Errorf("%s is not due at once, of fresh age and count: %+v", name, r)
		}
		if last := r.Notes[len(r.Notes)-1]; last != n {
			t.Errorf("%s: note %+v", name, last)
		}
	}
	if r := must(from["waiting"].Cancel(n)); r.Reason != call.Cancelled || r.Notes[len(r.Notes)-1] != n || r.Parked {
		t.Errorf("cancel: %+v", r)
	}
	r := must(from["dead, rang"].Discard(n))
	if !r.Discarded || !r.MayHaveRung || r.Reason != call.WebhookFailed || r.Notes[len(r.Notes)-1] != n {
		t.Errorf("discard: %+v", r)
	}
}

func TestNotRungNeedsFifteenMinutes(t *testing.T) {
	unknown := starts()["unknown"]
	last, _ := unknown.LastAttempt()
	for age, want := range map[time.Duration]bool{
		0: false, call.ResolveAfter - 1: false, call.ResolveAfter: true, time.Hour: true, -time.Hour: false,
	} {
		_, err := unknown.ResolveNotRung(call.Note{At: last.ClaimedAt.Add(age), By: "ann"})
		if (err == nil) != want {
			t.Errorf("%v after its claim: %v", age, err)
		}
		if err != nil && !strings.Contains(err.Error(), last.ClaimedAt.Add(call.ResolveAfter).Format(time.RFC3339)) {
			t.Errorf("the error does not say when: %v", err)
		}
	}
	if _, err := unknown.ResolveRang(call.Note{At: last.ClaimedAt, By: "ann"}); err != nil {
		t.Errorf("rang, at once: %v", err)
	}
}

func TestClaimNeedsANonce(t *testing.T) {
	r, err := newRecord().Claim("worker-1", "", published)
	var refusal *call.TransitionError
	if !errors.As(err, &refusal) || r.State != call.StateAbsent {
		t.Errorf("got %q, %v", r.State, err)
	}
}

// TestReusedNonceSetsTheLatestOutcome: nonces are to be fresh; if one is not,
// history at least stays as it was.
func TestReusedNonceSetsTheLatestOutcome(t *testing.T) {
	r := must(newRecord().Claim("worker-1", "n", published))
	r = must(r.Retry("n", refused, published, true, true, published))
	r = must(r.Claim("worker-1", "n", published))
	r = r.MarkPlaced("n", placed, published)
	if r.Attempts[0].Class != call.Refused || r.Attempts[1].Class != call.Placed {
		t.Errorf("got %+v", r.Attempts)
	}
}
