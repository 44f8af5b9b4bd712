package queue

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// largestRecord is full of what JSON spends most bytes on, and waits.
func largestRecord(t *testing.T) call.Record {
	t.Helper()
	worst := strings.Repeat("\x01\"", 10_000)
	now := time.Now()
	r := call.NewRecord(call.Account(strings.Repeat("a", 32)), call.ID(strings.Repeat("i", 64)), "f1:digest",
		call.Origin{Sequence: 1<<64 - 1, Published: now}, call.Urgent, worst, bytes.Repeat([]byte{0xff}, call.MaxRequestSize))
	o := call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, Status: 502, Message: worst, RequestUUID: worst, MayHaveRung: true}
	for i := range 100 {
		nonce := fmt.Sprintf("nonce-%032d", i)
		r = must[call.Record](t)(r.Claim(worst, nonce, now))
		r = must[call.Record](t)(r.Reject(nonce, o, call.WebhookFailed, now))
		now = now.Add(time.Hour)
		r = must[call.Record](t)(r.ResolveNotRung(call.Note{At: now, By: worst, What: worst, Why: worst}))
	}
	return r
}

// TestEveryOutcomeFits: with the least max_payload that is accepted, the
// largest record there is can be written, parked and buried.
func TestEveryOutcomeFits(t *testing.T) {
	configure := func(o *server.Options) {
		o.Users = []*server.User{{Username: "worker", Password: "w"}}
		o.MaxPayload = MinPayload
	}
	bubbleWith(t, configure, func(t *testing.T, b *broker) {
		b.apply()
		if err := b.CheckMaxPayload(); err != nil {
			t.Error(err)
		}
		r := largestRecord(t)
		data := must[[]byte](t)(r.Encode())
		if len(data) < 64<<10 {
			t.Errorf("the largest record has %d bytes: it is not full", len(data))
		}
		records := b.records()
		v, err := records.Put(t.Context(), r, call.Version{Created: records.HighWater().Created})
		if err != nil {
			t.Fatalf("write a record of %d bytes: %v", len(data), err)
		}
		r.NextAt = time.Now().Add(time.Hour)
		if err := b.NewScheduler().Schedule(t.Context(), r, v); err != nil {
			t.Errorf("park it: %v", err)
		}
		dead := must[call.Record](t)(r.MarkDead(call.Poison, strings.Repeat("\x01\"", 10_000), time.Now()))
		if err := b.NewDeadLetters(time.Hour).Put(t.Context(), dead, nil); err != nil {
			t.Errorf("bury it: %v", err)
		}
		parked := must[*nats.Msg](t)(dueMessage("s", r, v))
		if size := parked.Size(); size > MinPayload/3*2 {
			t.Errorf("it has %d bytes when it is parked: the least max_payload leaves too little beside it", size)
		}
	})
}

func TestAPayloadThatIsTooSmall(t *testing.T) {
	for most, fine := range map[int32]bool{MinPayload: true, MinPayload - 1: false, 64 << 10: false, 1 << 20: true} {
		configure := func(o *server.Options) {
			o.Users = []*server.User{{Username: "worker", Password: "w"}}
			o.MaxPayload = most
		}
		bubbleWith(t, configure, func(t *testing.T, b *broker) {
			err := b.CheckMaxPayload()
			if (err == nil) != fine || err != nil && (!errors.Is(err, ErrPayloadTooSmall) || !strings.Contains(err.Error(), fmt.Sprint(most))) {
				t.Errorf("max_payload %d: %v", most, err)
			}
		})
	}
}
