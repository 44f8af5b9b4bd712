package dispatcher

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// bubble runs a test on a clock of its own.
func bubble(t *testing.T, f func(t *testing.T, b *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newFixture()) })
}

// TestTheRecordThenTheEffectThenTheAcknowledgement lists what every outcome
// makes a worker do, in order.
func TestTheRecordThenTheEffectThenTheAcknowledgement(t *testing.T) {
	for _, c := range []struct {
		name    string
		outcome call.Outcome
		effects []string
	}{
		{"placed", call.Outcome{Class: call.Placed, RequestUUID: "u"}, []string{"record placed", "ack"}},
		{"refused", call.Outcome{Class: call.Refused, Reason: call.NotSent}, []string{"record waiting", "schedule not_sent", "ack"}},
		{
			"shut down before the write",
			call.Outcome{Class: call.Refused, Reason: call.Interrupted, Unspent: true},
			[]string{"record waiting", "schedule interrupted", "ack"},
		},
		{"rejected", call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest}, []string{"record dead", "dead letter invalid_request a", "ack"}},
		{
			"rang and failed",
			call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, MayHaveRung: true},
			[]string{"record dead", "dead letter webhook_failed a", "ack"},
		},
		{"suspended", call.Outcome{Class: call.Suspended, Reason: call.Forbidden}, []string{"suspend forbidden 1", "record waiting", "nak"}},
		{"unknown", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, []string{"record unknown", "dead letter outcome_unknown a", "ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.provider.place = answers(c.outcome)
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, append([]string{"record dialling", "place"}, c.effects...)...)
				a, ok := b.records.get().LastAttempt()
				if !ok || a.Class != c.outcome.Class || a.Reason != c.outcome.Reason {
					t.Errorf("the attempt is recorded as %+v", a)
				}
			})
		})
	}
}

func TestEndsBeforeAnyDial(t *testing.T) {
	for _, c := range []struct {
		name    string
		body    []byte
		linkage call.Linkage
		effects []string
	}{
		{"not linked", requestBody("a"), call.OwnedNotLinked, []string{"record dead", "dead letter number_not_linked a", "ack"}},
		{"look-up failed", requestBody("a"), call.LinkageNotKnown, []string{"record waiting", "schedule linkage_unknown", "ack"}},
		{"invalid", requestBody("a", "ring_method", "PUT"), call.Linked, []string{"record dead", "dead letter invalid_request a", "ack"}},
		{"expired", requestBody("a", "expires_at", "2000-01-01T00:00:00Z"), call.Linked, []string{"record dead", "dead letter expired a", "ack"}},
		{"not yet", requestBody("a", "not_before", "2000-01-01T00:00:01Z"), call.Linked, []string{"record waiting", "schedule not_yet", "ack"}},
		{"nameless", []byte("{"), call.Linked, []string{"", "ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.directory.linkage = c.linkage
				b.handle(t, published(c.body))
				if c.name == "nameless" {
					c.effects[0] = "dead letter malformed " + string(call.GeneratedID(call.Origin{Sequence: 7, Published: time.Now()}))
				}
				b.journal.is(t, c.effects...)
			})
		})
	}
}

// TestNotDialledUnlessTheClaimIsCertain loses the answer to the claim in every
// way: nothing is dialled, and the message is handed back.
func TestNotDialledUnlessTheClaimIsCertain(t *testing.T) {
	for name, f := range map[string]fault{"written": answerLost, "not written": writeLost, "written later": writeLate} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.records.fail(f)
				m := b.handle(t, published(requestBody("a")))
				b.records.arrive()
				if n := b.provider.placed.Load(); n != 0 || m.naks.Load() != 1 || m.acks.Load() != 0 {
					t.Fatalf("dialled %d times, handed back %d times, acknowledged %d times", n, m.naks.Load(), m.acks.Load())
				}
				if b.counted(t, "ringonce_claims_uncertain_total") != 1 {
					t.Error("it was not counted")
				}
				b.journal.take()

				// It comes back. A claim that was written is respected until it
				// must be over, and its call is then held: it may have rung.
				d := published(requestBody("a"))
				d.Origin.Published = began
				m = b.handle(t, d)
				if f == writeLost {
					b.journal.is(t, "record dialling", "place", "record placed", "ack")
					return
				}
				b.journal.is(t, "nak")
				if d := time.Duration(m.delay.Load()); d != b.Settings.ClaimWait {
					t.Errorf("waits %s", d)
				}
				<-time.After(b.Settings.ClaimWait)
				b.handle(t, d)
				b.journal.is(t, "record unknown", "dead letter outcome_unknown a", "ack")
			})
		})
	}
}

// TestAnotherWorkersClaimIsWaitedFor delivers again and again while another worker's
// claim stands: a delay that was cut short is decided again.
func TestAnotherWorkersClaimIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		d := published(requestBody("a"))
		theirs, err := identify(d, b.Settings).record.Claim("two", "two-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		version := b.records.put(theirs)
		for waited := time.Duration(0); waited < b.Settings.ClaimWait; waited += 10 * time.Second {
			m := b.handle(t, d)
			if got, want := time.Duration(m.delay.Load()), b.Settings.ClaimWait-waited; got != want || m.acks.Load() > 0 {
				t.Fatalf("after %s: waits %s, want %s", waited, got, want)
			}
			<-time.After(10 * time.Second)
		}
		b.journal.take()

		// It is claimed again meanwhile: another nonce, another wait.
		again, err := inState(theirs, call.StateWaiting).Claim("three", "three-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.records.write(again, version); err != nil {
			t.Fatal(err)
		}
		b.journal.take()
		b.handle(t, d)
		b.journal.is(t, "nak")
		<-time.After(b.Settings.ClaimWait)
		b.handle(t, d)
		b.journal.is(t, "record unknown", "dead letter outcome_unknown a", "ack")
		if a, _ := b.records.get().LastAttempt(); a.Class != call.Unknown || a.Reason != call.WorkerLost {
			t.Errorf("the attempt is recorded as %+v", a)
		}
		if b.provider.placed.Load() != 0 {
			t.Error("it was dialled")
		}
	})
}

// TestAnotherWorkersClaimIsForgottenOnceItIsOver has writes fail that would hold the
// call of a lost worker: the next delivery does not wait a second time, and the
// attempt is counted once, and only if the call is held.
func TestAnotherWorkersClaimIsForgottenOnceItIsOver(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  [][]fault // of the writes of each delivery, the claim that comes too late first
		settled bool      // by its owner, before the last delivery
		effects []string  // of the last delivery
		counted float64
	}{
		{"written", nil, false, []string{"record unknown", "dead letter outcome_unknown a", "ack"}, 1},
		{"once not written", [][]fault{{works, writeLost}}, false, []string{"record unknown", "dead letter outcome_unknown a", "ack"}, 1},
		{"twice not written", [][]fault{{works, writeLost}, {works, writeLost}}, false, []string{"record unknown", "dead letter outcome_unknown a", "ack"}, 1},
		{"changed by others", [][]fault{slices.Repeat([]fault{loses}, maxEvaluations)}, false, []string{"record unknown", "dead letter outcome_unknown a", "ack"}, 1},
		{"settled by its owner", [][]fault{{works, writeLost}}, true, []string{"ack"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				d := published(requestBody("a"))
				theirs, err := identify(d, b.Settings).record.Claim("two", "two-1", time.Now())
				if err != nil {
					t.Fatal(err)
				}
				b.records.put(theirs)
				b.handle(t, d)
				<-time.After(b.Settings.ClaimWait)
				for _, faults := range c.faults {
					b.records.fail(faults...)
					b.handle(t, d)
				}
				if c.settled {
					b.records.put(theirs.MarkPlaced("two-1", placedOutcome, time.Now()))
				}
				b.journal.take()
				b.handle(t, d)
				b.journal.is(t, c.effects...)
				if n := b.counted(t, "ringonce_attempts_total", "worker_lost"); n != c.counted {
					t.Errorf("counted %v attempts of a lost worker, want %v", n, c.counted)
				}
			})
		})
	}
}

// TestRedelivery hands over messages whose work was done, in part or whole.
func TestRedelivery(t *testing.T) {
	for _, c := range []struct {
		name    string
		stored  func(call.Record) call.Record
		effects []string
	}{
		{"placed", func(r call.Record) call.Record { return inState(r, call.StatePlaced) }, []string{"ack"}},
		{
			"waiting, its schedule may be missing", func(r call.Record) call.Record {
				return with(r, func(r *call.Record) { r.State, r.Parked, r.Reason = call.StateWaiting, true, call.NotSent })
			},
			[]string{"schedule not_sent", "ack"},
		},
		{
			"dead, its dead letter may be missing", func(r call.Record) call.Record {
				return with(r, func(r *call.Record) { r.State, r.Reason = call.StateDead, call.Expired })
			},
			[]string{"dead letter expired a", "ack"},
		},
		{
			"unknown, its dead letter may be missing", func(r call.Record) call.Record {
				return with(r, func(r *call.Record) { r.State, r.Reason = call.StateUnknown, call.OutcomeUnknown })
			},
			[]string{"dead letter outcome_unknown a", "ack"},
		},
		{
			"published twice", func(r call.Record) call.Record {
				return with(r, func(r *call.Record) { r.State, r.Origin.Sequence = call.StateDialling, 3 })
			},
			[]string{"ack"},
		},
		{
			"id in use", func(r call.Record) call.Record {
				return with(r, func(r *call.Record) { r.State, r.Digest = call.StatePlaced, "f1:other" })
			},
			[]string{"dead letter id_conflict 7", "ack"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				d := published(requestBody("a"))
				want := c.stored(identify(d, b.Settings).record)
				version := b.records.put(want)
				b.handle(t, d)
				b.journal.is(t, c.effects...)
				if b.records.version() != version {
					t.Error("its record was touched")
				}
			})
		})
	}
}

// TestAConflictKeepsItsRequestWhole lets a parked call come back to an id that
// another request has taken after the records were recreated.
func TestAConflictKeepsItsRequestWhole(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		body := requestBody("a")
		r, err := identify(published(body), b.Settings).record.Park(call.NotYet, time.Now(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		b.records.put(with(r, func(r *call.Record) { r.State, r.Digest = call.StatePlaced, "f1:other" }))
		b.handle(t, due(r, call.Version{Created: began.Add(-time.Hour), Sequence: 1}))
		b.journal.is(t, "dead letter id_conflict 7", "ack")
		if got := b.deadLetters.letters["id_conflict 7"]; string(got) != string(body) {
			t.Errorf("the dead letter holds %q", got)
		}
	})
}

// TestAStoppedLaneHandsBack stops the lane between the pull and the claim.
func TestAStoppedLaneHandsBack(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.directory.lookup = b.Lane.Stop
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "nak")
	})
}

func TestAReadErrorIsNotAnAbsentRecord(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.records.readErr = errDown
		d := published(requestBody("a"))
		d.Delivered = poisonDeliveries + 1
		b.handle(t, d)
		b.records.fail(loses)
		b.handle(t, published(requestBody("b")))
		b.journal.is(t, "nak", "nak")
	})
}

func TestARecordThatKeepsChangingIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.records.fail(loses, loses, loses, loses, loses, loses)
		m := b.handle(t, published(requestBody("a")))
		b.journal.is(t, "nak")
		if m.delay.Load() == 0 {
			t.Error("it comes back at once")
		}
	})
}

// TestTheDeadlineCountsFromBeforeTheClaim lets the claim take its time.
func TestTheDeadlineCountsFromBeforeTheClaim(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		start := time.Now()
		b.records.wrote = func(r call.Record) {
			if r.State == call.StateDialling {
				<-time.After(3 * time.Second)
			}
		}
		b.provider.place = func(_ context.Context, _ call.Request, by call.Deadline) call.Outcome {
			if !by.From.Equal(start) || by.For != b.Settings.ClaimDeadline {
				t.Errorf("the deadline is %s from %s on, the claim began at %s", by.For, by.From, start)
			}
			return call.Outcome{Class: call.Placed, RequestUUID: "u"}
		}
		b.handle(t, published(requestBody("a")))
	})
}

func TestDispatchAndWait(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		defer b.Pool.Close()
		b.provider.place = func(context.Context, call.Request, call.Deadline) call.Outcome {
			<-time.After(time.Second)
			return call.Outcome{Class: call.Placed, RequestUUID: "u"}
		}
		var messages []*fakeMessage
		for _, id := range []string{"a", "b", "c"} {
			m := &fakeMessage{journal: b.journal}
			messages = append(messages, m)
			b.Dispatch(t.Context(), published(requestBody(id)), m)
		}
		if n, _ := b.Lane.WaitCapacity(t.Context()); n != 13 {
			t.Errorf("%d more may be begun", n)
		}
		b.Wait()
		for _, m := range messages {
			if m.acks.Load() != 1 {
				t.Error("a message was not acknowledged")
			}
		}
		if n, _ := b.Lane.WaitCapacity(t.Context()); n != 16 {
			t.Errorf("%d may be begun when nothing is in flight", n)
		}
	})
}
