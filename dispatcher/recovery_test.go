package dispatcher

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// held is a call that another worker held as unknown, with its dead letter.
func (b *fixture) held(t *testing.T) (call.Record, call.Version) {
	t.Helper()
	request := published(requestBody("a"))
	d := identify(request, b.Settings)
	claimed, err := d.record.Claim("two", "two-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := claimed.MarkUnknown("two-1", call.Outcome{Class: call.Unknown, Reason: call.WorkerLost}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v := b.records.put(unknown)
	if err := b.deadLetters.Put(t.Context(), unknown, nil); err != nil {
		t.Fatal(err)
	}
	b.journal.take()
	return unknown, v
}

// TestARecoveryMessageFinishesWhatADeadWorkerBegan lets the worker that brought late
// evidence die after it had changed the record, and before anything else.
func TestARecoveryMessageFinishesWhatADeadWorkerBegan(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(call.Record) (call.Record, error)
		effects []string
	}{
		{"placed", func(r call.Record) (call.Record, error) {
			return r.MarkPlaced("two-1", placedOutcome, time.Now()), nil
		}, []string{"delete dead letter outcome_unknown a", "ack"}},
		{"refused", func(r call.Record) (call.Record, error) {
			return r.Retry("two-1", refusedOutcome, time.Now().Add(time.Second), true, true, time.Now())
		}, []string{"delete dead letter outcome_unknown a", "schedule not_sent", "ack"}},
		{"rejected", func(r call.Record) (call.Record, error) {
			return r.Reject("two-1", call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest}, call.InvalidRequest, time.Now())
		}, []string{"delete dead letter outcome_unknown a", "dead letter invalid_request a", "ack"}},
		{"never recorded", nil, []string{"record unknown", "dead letter outcome_unknown a", "ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				unknown, v := b.held(t)
				if c.change != nil {
					next, err := c.change(unknown)
					if err != nil {
						t.Fatal(err)
					}
					b.records.put(next)
				}
				b.handle(t, due(unknown, v))
				b.journal.is(t, c.effects...)
				if got := b.provider.placed.Load(); got != 0 {
					t.Errorf("dialled %d times", got)
				}
			})
		})
	}
}

// TestARecoveryMessageThatCameTooEarly is handled while its worker is stopped between
// that message and the record: the worker then schedules another one.
func TestARecoveryMessageThatCameTooEarly(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		unknown, v := b.held(t)
		b.handle(t, due(unknown, v))
		b.journal.take()
		if _, err := b.putWithRecovery(t.Context(), unknown, v, unknown.MarkPlaced("two-1", placedOutcome, time.Now())); err == nil {
			t.Fatal("the record was changed without a recovery message that is still to come")
		}
		b.journal.is(t, "schedule outcome_unknown")
	})
}

// TestARecoveryMessageIsDueWhenItsWorkerIsDone schedules it for later than the worker
// that brings the evidence may still work on it: one that is due before that
// rewrites the record, and the evidence is lost.
func TestARecoveryMessageIsDueWhenItsWorkerIsDone(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		unknown, v := b.held(t)
		var due []time.Time
		b.scheduler.onSchedule = func(r call.Record, _ call.Version) { due = append(due, r.NextAt) }
		if _, err := b.putWithRecovery(t.Context(), unknown, v, unknown.MarkPlaced("two-1", placedOutcome, time.Now())); err != nil {
			t.Fatal(err)
		}
		if want := time.Now().Add(b.Settings.ClaimWait); len(due) != 1 || !due[0].Equal(want) {
			t.Errorf("due at %v, want %s", due, want)
		}
	})
}

// TestADeadLetterWrittenMeanwhileStays lets the call become unknown again just
// before its old dead letter is deleted.
func TestADeadLetterWrittenMeanwhileStays(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		unknown, _ := b.held(t)
		waiting, err := unknown.Retry("two-1", refusedOutcome, time.Now(), true, true, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		claimed, err := waiting.Claim("two", "two-2", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		again, err := claimed.MarkUnknown("two-2", unknownOutcome, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		b.records.put(again)
		if err := b.removeDeadLetter(t.Context(), unknown); err != nil {
			t.Fatal(err)
		}
		b.journal.is(t, "delete dead letter outcome_unknown a", "dead letter outcome_unknown a")
	})
}

// TestACallWhoseMessageWasLost is brought back by an audit while its record says
// that a worker dials it. The fate of that worker is unknown.
func TestACallWhoseMessageWasLost(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		d := identify(published(requestBody("a")), b.Settings)
		claimed, err := d.record.Claim("two", "two-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		v := b.records.put(claimed)
		b.journal.take()
		b.handle(t, due(claimed, v))
		b.journal.is(t, "nak")
		<-time.After(b.Settings.ClaimWait)
		b.handle(t, due(claimed, v))
		b.journal.is(t, "record unknown", "dead letter outcome_unknown a", "ack")
		if got := b.provider.placed.Load(); got != 0 {
			t.Errorf("dialled %d times", got)
		}
	})
}
