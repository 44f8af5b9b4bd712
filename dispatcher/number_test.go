package dispatcher

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestAppointmentsAreSpread(t *testing.T) {
	var a appointments
	if at := a.next(noon, noon); !at.Equal(noon.Add(pausedFirst)) {
		t.Errorf("the first is at %s", at)
	}
	if at := a.next(noon, noon); !at.Equal(noon.Add(pausedFirst + pausedApart)) {
		t.Errorf("the second is at %s", at)
	}
	for range 100_000 {
		a.next(noon, noon)
	}
	if at := a.next(noon, noon); !at.Equal(noon.Add(pausedMost)) {
		t.Errorf("the last is at %s", at)
	}
	if at := a.next(noon.Add(time.Hour), noon.Add(time.Hour)); !at.Equal(noon.Add(time.Hour + pausedFirst)) {
		t.Errorf("after an hour it is at %s", at)
	}
	a = appointments{}
	if at := a.next(noon, noon.Add(-20*time.Minute)); !at.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("twenty minutes after the pause it is at %s", at)
	}
	if at := a.next(noon, time.Time{}); !at.Equal(noon.Add(pausedMost)) {
		t.Errorf("of a pause without a time it is at %s", at)
	}
}

// stopsFrom are the flags while the caller ID of the tests is paused.
func stopsFrom(b *bench) *call.Blocks {
	from := identify(published(requestBody("a")), b.Settings).request.From
	return &call.Blocks{Numbers: call.PausedNumbers{from: call.Pause{By: "ann", Since: time.Now()}}}
}

func TestAPausedNumberIsParkedUnspent(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.Lane.SetBlocks(stopsFrom(b))
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record waiting", "park paused", "ack")
		r := b.ledger.get()
		if r.Spent != 0 || r.Made != 0 || !r.Parked || !r.NextAt.Equal(time.Now().Add(pausedFirst).UTC()) {
			t.Errorf("it waits until %s, parked: %t, %d spent", r.NextAt, r.Parked, r.Spent)
		}
		other := []byte(`{"id":"b","from":"+912071531099","to":"+919876543210","answer_url":"https://publisher.example/a"}`)
		b.handle(t, published(other))
		b.journal.is(t, "record dialling", "place", "record placed", "ack")
	})
}

// TestAPauseOvertakesARequest wherever it is on its way to the provider.
func TestAPauseOvertakesARequest(t *testing.T) {
	for _, c := range []struct {
		name  string
		stops func(*bench) *call.Blocks
		claim bool // it comes while the claim is written, not before
		want  []string
	}{
		{"number, before the claim", stopsFrom, false, []string{"record waiting", "park paused", "ack"}},
		{"number, while claiming", stopsFrom, true, []string{"record dialling", "record waiting", "park interrupted", "ack"}},
		{"account, while claiming", func(*bench) *call.Blocks { return &call.Blocks{Pause: &call.Pause{By: "ann"}} }, true, []string{"record dialling", "record waiting", "park interrupted", "ack"}},
		{"flags not known, while claiming", func(*bench) *call.Blocks { return nil }, true, []string{"record dialling", "record waiting", "park interrupted", "ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				if c.claim {
					b.ledger.before = func() { b.Lane.SetBlocks(c.stops(b)) }
				} else {
					b.directory.lookup = func() { b.Lane.SetBlocks(c.stops(b)) }
				}
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, c.want...)
				if r := b.ledger.get(); b.provider.placed.Load() != 0 || r.Spent != 0 || r.State != call.StateWaiting {
					t.Errorf("%d POSTs, %d spent, %s", b.provider.placed.Load(), r.Spent, r.State)
				}
			})
		})
	}
}

// TestAPauseWhileAMomentIsWaitedFor comes between the claim and the POST.
func TestAPauseWhileAMomentIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		l := openLane(1, 10)
		l.cfg.Metrics = b.Metrics
		l.SetLimiter(&evenLimit{perSecond: 10, next: time.Now().Add(time.Second)})
		l.pace.claimed(300 * time.Millisecond) // so long before its moment a call is claimed
		b.Lane = l
		b.ledger.before = func() {
			b.ledger.before = nil
			time.AfterFunc(time.Millisecond, func() { l.SetBlocks(stopsFrom(b)) })
		}
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dialling", "record waiting", "park interrupted", "ack")
		if r := b.ledger.get(); b.provider.placed.Load() != 0 || r.Spent != 0 {
			t.Errorf("%d POSTs, %d spent", b.provider.placed.Load(), r.Spent)
		}
	})
}
