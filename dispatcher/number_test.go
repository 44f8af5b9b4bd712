package dispatcher

import (
	"context"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
)

// pausedFrom are the flags while the caller ID of the tests is paused.
func pausedFrom(b *fixture) *call.Blocks {
	from := identify(published(requestBody("a")), b.Settings).request.From
	return &call.Blocks{Numbers: call.PausedNumbers{from: call.Pause{By: "ann", Since: time.Now()}}}
}

func TestAPausedNumberIsParkedUnspent(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.Lane.SetBlocks(pausedFrom(b))
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record waiting", "schedule paused", "ack")
		r := b.records.get()
		if r.Spent != 0 || r.Made != 0 || !r.Parked || !r.NextAt.Equal(time.Now().Add(5*time.Second).UTC()) {
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
		stops func(*fixture) *call.Blocks
		claim bool // it comes while the claim is written, not before
		want  []string
	}{
		{"number, before the claim", pausedFrom, false, []string{"record waiting", "schedule paused", "ack"}},
		{"number, while claiming", pausedFrom, true, []string{"record dialling", "record waiting", "schedule interrupted", "ack"}},
		{"account, while claiming", func(*fixture) *call.Blocks { return &call.Blocks{Pause: &call.Pause{By: "ann"}} }, true, []string{"record dialling", "record waiting", "schedule interrupted", "ack"}},
		{"flags not known, while claiming", func(*fixture) *call.Blocks { return nil }, true, []string{"record dialling", "record waiting", "schedule interrupted", "ack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *fixture) {
				if c.claim {
					b.records.before = func() { b.Lane.SetBlocks(c.stops(b)) }
				} else {
					b.directory.lookup = func() { b.Lane.SetBlocks(c.stops(b)) }
				}
				b.handle(t, published(requestBody("a")))
				b.journal.is(t, c.want...)
				if r := b.records.get(); b.provider.placed.Load() != 0 || r.Spent != 0 || r.State != call.StateWaiting {
					t.Errorf("%d POSTs, %d spent, %s", b.provider.placed.Load(), r.Spent, r.State)
				}
			})
		})
	}
}

// TestAPauseWhileASlotIsWaitedFor comes between the claim and the POST.
func TestAPauseWhileASlotIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		b.Lane = openLane(b, lane.Config{Concurrency: 1, CallsPerSecond: 10, Metrics: b.Metrics, Log: b.Log}, oneSlot{time.Now().Add(time.Second)})
		b.records.before = func() {
			b.records.before = nil
			time.AfterFunc(time.Millisecond, func() { b.Lane.SetBlocks(pausedFrom(b)) })
		}
		b.handle(t, published(requestBody("a")))
		b.journal.is(t, "record dialling", "record waiting", "schedule interrupted", "ack")
		if r := b.records.get(); b.provider.placed.Load() != 0 || r.Spent != 0 || time.Since(began) < time.Second {
			t.Errorf("%d POSTs, %d spent", b.provider.placed.Load(), r.Spent)
		}
	})
}

// oneSlot grants one slot of the rate.
type oneSlot struct{ at time.Time }

func (s oneSlot) Reserve(context.Context, int, time.Duration) ([]time.Time, time.Time, error) {
	return []time.Time{s.at}, s.at.Add(time.Hour), nil
}
