package dispatcher

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var (
	placedOutcome  = call.Outcome{Class: call.Placed, Reason: call.Accepted, RequestUUID: "u"}
	refusedOutcome = call.Outcome{Class: call.Refused, Reason: call.NotSent}
	unknownOutcome = call.Outcome{Class: call.Unknown, Reason: call.TimedOut, FeedsBreaker: true}
)

// meanwhile answers with an outcome after something else has happened.
func meanwhile(o call.Outcome, happens func()) func(context.Context, call.Request, call.Deadline) call.Outcome {
	return func(context.Context, call.Request, call.Deadline) call.Outcome {
		happens()
		return o
	}
}

// change has another worker change the record of a call.
func (b *fixture) change(t *testing.T, change func(call.Record) (call.Record, error)) {
	t.Helper()
	r, err := change(b.records.get())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.records.write(r, b.records.version()); err != nil {
		t.Fatal(err)
	}
}

// TestLateEvidence lets another worker hold the call as unknown before its
// owner learns what became of it.
func TestLateEvidence(t *testing.T) {
	for _, c := range []struct {
		name    string
		outcome call.Outcome
		effects []string
	}{
		{"placed", placedOutcome, []string{"schedule outcome_unknown", "record placed", "delete dead letter outcome_unknown a", "ack"}},
		{"refused", refusedOutcome, []string{"schedule outcome_unknown", "record waiting", "delete dead letter outcome_unknown a", "schedule not_sent", "ack"}},
		{
			"rejected",
			call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest},
			[]string{"schedule outcome_unknown", "record dead", "delete dead letter outcome_unknown a", "dead letter invalid_request a", "ack"},
		},
		{
			"suspended",
			call.Outcome{Class: call.Suspended, Reason: call.Forbidden},
			[]string{"suspend forbidden 1", "schedule outcome_unknown", "record waiting", "delete dead letter outcome_unknown a", "schedule forbidden", "ack"},
		},
		{"unknown", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, []string{"dead letter outcome_unknown a", "ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.provider.place = meanwhile(c.outcome, func() {
					b.change(t, func(r call.Record) (call.Record, error) {
						return r.MarkUnknown(r.Nonce(), call.Outcome{Class: call.Unknown, Reason: call.WorkerLost}, time.Now())
					})
					b.journal.take()
				})
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, c.effects...)
				want := 1.0
				if c.outcome.Class == call.Unknown {
					want = 0
				}
				if got := b.counted(t, "ringonce_late_evidence_total", string(c.outcome.Class)); got != want {
					t.Errorf("counted %v times as late evidence", got)
				}
			})
		})
	}
}

// TestPlacedOverridesEverything brings evidence of a placed call to records
// that say otherwise.
func TestPlacedOverridesEverything(t *testing.T) {
	note := call.Note{By: "ops", What: "test"}
	for _, c := range []struct {
		name          string
		change        func(call.Record) (call.Record, error)
		effects       []string
		contradiction float64
	}{
		{"waiting", func(r call.Record) (call.Record, error) {
			return with(r, func(r *call.Record) { r.State, r.Parked = call.StateWaiting, true }), nil
		}, []string{"record placed", "ack"}, 1},
		{"claimed by another", func(r call.Record) (call.Record, error) {
			return inState(r, call.StateWaiting).Claim("two", "two-1", time.Now())
		}, []string{"record placed", "ack"}, 1},
		{"dead", func(r call.Record) (call.Record, error) {
			return with(r, func(r *call.Record) { r.State, r.Reason = call.StateDead, call.Expired }), nil
		}, []string{"schedule expired", "record placed", "delete dead letter expired a", "ack"}, 1},
		{"cancelled", func(r call.Record) (call.Record, error) { return inState(r, call.StateCancelled), nil }, []string{"record placed", "ack"}, 1},
		{"resolved as rang", func(r call.Record) (call.Record, error) {
			return inState(r, call.StateUnknown).ResolveRang(note)
		}, []string{"record placed", "ack"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.provider.place = meanwhile(placedOutcome, func() {
					b.change(t, c.change)
					b.journal.take()
				})
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, c.effects...)
				if r := b.records.get(); r.RequestUUID != "u" {
					t.Errorf("the record says %+v", r)
				}
				if got := b.counted(t, "ringonce_contradictions_total"); got != c.contradiction {
					t.Errorf("counted %v contradictions", got)
				}
				if got := b.counted(t, "ringonce_late_evidence_total"); got != 0 {
					t.Errorf("counted %v times as late evidence", got)
				}
			})
		})
	}
}

// TestAnOutcomeThatCameTooLate changes nothing, and takes no message away
// from the worker that has claimed the call since.
func TestAnOutcomeThatCameTooLate(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(call.Record) (call.Record, error)
		effects []string
	}{
		{"claimed by another", func(r call.Record) (call.Record, error) {
			return inState(r, call.StateWaiting).Claim("two", "two-1", time.Now())
		}, nil},
		{"waits in its message", func(r call.Record) (call.Record, error) { return inState(r, call.StateWaiting), nil }, []string{"nak"}},
		{"waits parked", func(r call.Record) (call.Record, error) {
			return with(r, func(r *call.Record) { r.State, r.Parked = call.StateWaiting, true }), nil
		}, []string{"schedule ", "ack"}},
		{"resolved as rang", func(r call.Record) (call.Record, error) {
			return inState(r, call.StateUnknown).ResolveRang(call.Note{})
		}, []string{"ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				var changed call.Version
				b.provider.place = meanwhile(refusedOutcome, func() {
					b.change(t, c.change)
					b.journal.take()
					changed = b.records.version()
				})
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, c.effects...)
				if b.records.version() != changed {
					t.Error("the record was changed")
				}
			})
		})
	}
}

// TestTheAnswerToAnOutcomeIsLost writes once, whatever becomes of the answers.
func TestTheAnswerToAnOutcomeIsLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults []fault
	}{
		{"written", []fault{works, answerLost}},
		{"not written", []fault{works, writeLost}},
		{"not written twice, then written", []fault{works, writeLost, writeLost, answerLost}},
		{"written later, before the next try", []fault{works, writeLate}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.records.fail(c.faults...)
				stop := time.AfterFunc(time.Millisecond, b.records.arrive)
				defer stop.Stop()
				b.provider.place = answers(refusedOutcome)
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, "record dialling", "place", "record waiting", "schedule not_sent", "ack")
				if r := b.records.get(); r.Spent != 1 {
					t.Errorf("spent %d attempts", r.Spent)
				}
			})
		})
	}
}

// TestAnOwnLateWriteThatWasOvertaken lets the lost write arrive, and another
// worker claim the call by it, before its author looks again.
func TestAnOwnLateWriteThatWasOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.records.fail(works, writeLate)
		overtaken := time.AfterFunc(time.Millisecond, func() {
			b.records.arrive()
			b.change(t, func(r call.Record) (call.Record, error) { return r.Claim("two", "two-1", time.Now()) })
		})
		defer overtaken.Stop()
		b.provider.place = answers(refusedOutcome)
		m := b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dialling", "place", "record waiting", "record dialling")
		if m.acks.Load() != 0 {
			t.Error("it took the message away from the other worker")
		}
	})
}

// TestEvidenceOutlastsTheBroker takes the broker away while the phone rings. That
// evidence is at risk is logged once, and not for a broker that elects a leader.
func TestEvidenceOutlastsTheBroker(t *testing.T) {
	for _, c := range []struct {
		away time.Duration
		said int
	}{{10 * time.Second, 0}, {10 * time.Minute, 1}} {
		t.Run(c.away.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				var log bytes.Buffer
				b.Log = slog.New(slog.NewTextHandler(&log, nil))
				b.provider.place = meanwhile(placedOutcome, func() { b.records.setDown(true) })
				back := time.AfterFunc(c.away, func() { b.records.setDown(false) })
				defer back.Stop()
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, "record dialling", "place", "record placed", "ack")
				if n := strings.Count(log.String(), "cannot be recorded"); n != c.said {
					t.Errorf("logged %d times, want %d:\n%s", n, c.said, log.String())
				}
			})
		})
	}
}

// TestAWorkerThatStopsSettles takes the broker away and ends the grace period.
func TestAWorkerThatStopsSettles(t *testing.T) {
	for _, c := range []struct {
		name    string
		away    time.Duration
		effects []string
	}{
		{"in time", settleTimeout - 3*time.Second, []string{"record dialling", "place", "record placed", "ack"}},
		{"too late", settleTimeout + time.Minute, []string{"record dialling", "place"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				working, giveUp := context.WithCancel(t.Context())
				b.provider.place = meanwhile(placedOutcome, func() {
					b.records.setDown(true)
					giveUp()
				})
				back := time.AfterFunc(c.away, func() { b.records.setDown(false) })
				defer back.Stop()
				m := &fakeMessage{journal: b.journal}
				b.Handle(working, published(requestBody("a")), m, b.Lane.Acquire())
				b.journal.is(t, c.effects...)
			})
		})
	}
}

// TestRecordsRecreatedDuringACall keeps what its claimant knows.
func TestRecordsRecreatedDuringACall(t *testing.T) {
	for _, c := range []struct {
		outcome call.Outcome
		effects []string
	}{
		{placedOutcome, []string{"record placed", "ack"}},
		{refusedOutcome, []string{"record waiting", "schedule not_sent", "ack"}},
		{call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, []string{"record unknown", "dead letter outcome_unknown a", "ack"}},
	} {
		t.Run(string(c.outcome.Class), func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				b.provider.place = meanwhile(c.outcome, func() {
					b.records.recreate()
					b.journal.take()
				})
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, c.effects...)
			})
		})
	}
}

// TestEffectsAreTriedAgain fails them a few times: the acknowledgement waits.
func TestEffectsAreTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.scheduler.failures.Store(3)
		b.provider.place = answers(refusedOutcome)
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dialling", "place", "record waiting", "schedule not_sent", "ack")
		b.deadLetters.failures.Store(3)
		b.provider.place = answers(call.Outcome{Class: call.Unknown, Reason: call.TimedOut})
		b.handle(t, published(requestBody("b")))
		b.journal.is(t, "record dialling", "place", "record unknown", "dead letter outcome_unknown b", "ack")
		if parked, dead := b.counted(t, "ringonce_settle_retries_total", "park"), b.counted(t, "ringonce_settle_retries_total", "dead_letter"); parked != 3 || dead != 3 {
			t.Errorf("counted %v and %v retries", parked, dead)
		}
	})
}

// TestEvidenceWhileTheDeadLetterIsWritten lets the owner settle between another
// worker's record "unknown" and its dead letter.
func TestEvidenceWhileTheDeadLetterIsWritten(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		d := published(requestBody("a"))
		theirs, err := identify(d, b.Settings).record.Claim("two", "two-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		b.records.put(theirs)
		b.handle(t, d)
		<-time.After(b.Settings.ClaimWait)
		b.deadLetters.onPut = func() {
			b.change(t, func(r call.Record) (call.Record, error) { return r.MarkPlaced("two-1", placedOutcome, time.Now()), nil })
		}
		b.handle(t, d)
		if letters := b.deadLetters.tokens(); len(letters) > 0 || b.records.get().State != call.StatePlaced {
			t.Errorf("left are the dead letters %q of a call that is %s", letters, b.records.get().State)
		}
	})
}

func TestANumberThatIsNotLinkedIsLookedUpAgain(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.provider.place = answers(call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest})
		b.handle(t, published(requestBody("a")))
		if b.directory.invalidated.Load() != 0 {
			t.Error("any rejection marks the number")
		}
		b.provider.place = answers(call.Outcome{Class: call.Rejected, Reason: call.NumberNotLinked})
		b.handle(t, published(requestBody("b")))
		if b.directory.invalidated.Load() != 1 {
			t.Error("the number was not marked")
		}
	})
}

// TestARateLimitThrottlesTheAccount, for as long as the provider asks, also when it
// ends a call.
func TestARateLimitThrottlesTheAccount(t *testing.T) {
	for _, attempts := range []int{12, 1} {
		bubble(t, func(t *testing.T, b *fixture) {
			b.Settings.Retry.MaxAttempts = attempts
			b.provider.place = answers(call.Outcome{Class: call.Refused, Reason: call.Capacity, ThrottlesAccount: true, RetryAfter: time.Minute})
			b.handle(t, published(requestBody("a")))
			start := time.Now()
			if n, _ := b.Lane.WaitCapacity(t.Context()); n == 0 || time.Since(start) != time.Minute {
				t.Errorf("with %d attempts: %d permitted after %s", attempts, n, time.Since(start))
			}
		})
	}
}
