package dispatcher

import (
	"context"
	"testing"

	"github.com/ringonce/ringonce/call"
)

func TestAPanicBeforeTheClaimIsPoison(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.directory.lookup = func() { panic("+919876543210 broke it") }
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dead", "dead letter poison a", "ack")
		if b.counted(t, "ringonce_panics_total") != 1 || b.counted(t, "ringonce_in_flight") != 0 {
			t.Error("it was not counted, or its slot is lost")
		}
	})
}

func TestAPanicAfterTheClaimIsUnknown(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.provider.place = func(context.Context, call.Request, call.Deadline) call.Outcome { panic("broken") }
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dialling", "place", "record unknown", "dead letter outcome_unknown a", "ack")
		if a, _ := b.records.get().LastAttempt(); a.Reason != call.Poison {
			t.Errorf("the attempt is recorded as %+v", a)
		}
	})
}

// TestAPanicWhileSettling keeps what was recorded before it.
func TestAPanicWhileSettling(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.deadLetters.panics.Store(1)
		b.provider.place = answers(call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest})
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dialling", "place", "record dead", "dead letter invalid_request a", "ack")
	})
}

// TestAPanicEndsNoOtherRequest panics over a request whose id another one has.
func TestAPanicEndsNoOtherRequest(t *testing.T) {
	for name, other := range map[string]func(*call.Record){
		"other content": func(r *call.Record) { r.Digest = "f1:other" },
		"other message": func(r *call.Record) { r.Origin.Sequence = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				d := published(requestBody("a"))
				b.records.put(with(inState(identify(d, b.Settings).record, call.StateWaiting), other))
				b.directory.lookup = func() { panic("broken") }
				b.handle(t, d)
				b.journal.is(t, "nak")
				if r := b.records.get(); r.State != call.StateWaiting {
					t.Errorf("the other request became %s", r.State)
				}
			})
		})
	}
}

func TestAPanicWhileAPanicIsHandled(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.directory.lookup = func() {
			b.records.panics = 1
			panic("broken")
		}
		b.handle(t, published(requestBody("a")))
		b.journal.is(t)
		if n, _ := b.Lane.WaitCapacity(t.Context()); n != 16 {
			t.Errorf("%d slots are left", n)
		}
	})
}
