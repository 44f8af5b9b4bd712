package queue

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestPlainAckKnowsOneFormAlone(t *testing.T) {
	for data, want := range map[string]uint64{
		`{"stream":"CALLS","seq":4711}`:                              4711,
		`{"stream":"CALLS","seq":18446744073709551615}`:              18446744073709551615,
		`{"stream":"CALLS","seq":0}`:                                 0,
		`{"stream":"CALLS","seq":18446744073709551616}`:              0,
		`{"stream":"CALLS","seq":-1}`:                                0,
		`{"stream":"CALLS","seq":4711,"duplicate":true}`:             0,
		`{"stream":"CALLS","seq":4711}}`:                             0,
		`{"stream":"CALLS","seq":}`:                                  0,
		`{"stream":"CALLS_DEAD","seq":4711}`:                         0,
		`{"error":{"code":400,"err_code":10071,"description":"no"}}`: 0,
		``: 0,
	} {
		got, ok := plainAck([]byte(data), "CALLS")
		if ok != (want > 0) || ok && got != want {
			t.Errorf("%s: %d, %v", data, got, ok)
		}
	}
}

// The answer to a publish that was given up comes while the next publish waits
// for its own: it must not be taken for it.
func TestALateAnswerIsNobodys(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		conn := b.Conn
		var asked []*nats.Msg
		came := make(chan struct{}, 8)
		if _, err := conn.nc.Subscribe("slow.stream", func(m *nats.Msg) {
			asked = append(asked, m)
			came <- struct{}{}
		}); err != nil {
			t.Fatal(err)
		}
		publishOne := func(ctx context.Context) (uint64, error) {
			return publish(ctx, conn.answers, StreamRecords, &nats.Msg{Subject: "slow.stream", Header: nats.Header{}})
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-came
			cancel()
		}()
		if _, err := publishOne(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		began := time.Now()
		if _, err := publishOne(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != requestTimeout {
			t.Errorf("no answer: %v after %s", err, time.Since(began))
		}
		<-came
		done := make(chan struct{})
		go func() {
			defer close(done)
			if sequence, err := publishOne(t.Context()); err != nil || sequence != 3 {
				t.Errorf("the third is confirmed with %d, %v", sequence, err)
			}
		}()
		<-came
		for i, answer := range []string{"1", "2", "3"} {
			if err := asked[i].Respond([]byte(`{"stream":"CALL_RECORDS","seq":` + answer + `}`)); err != nil {
				t.Error(err)
			}
		}
		<-done
	})
}

func TestNoStreamForTheSubject(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		conn := b.Conn
		_, err := publish(t.Context(), conn.answers, StreamCalls, &nats.Msg{Subject: "nobody.takes.this", Header: nats.Header{}})
		if !errors.Is(err, errNoResponse) {
			t.Errorf("error %v", err)
		}
	})
}

func TestEveryPublishIsAnsweredAtItsOwnSubject(t *testing.T) {
	a := &answers{prefix: "_INBOX.x.", awaited: map[string]*waiter{}}
	seen := map[string]bool{}
	for range 1000 {
		m := &nats.Msg{}
		w := a.await(m)
		if seen[m.Reply] || !strings.HasPrefix(m.Reply, a.prefix) {
			t.Fatalf("%s is given twice", m.Reply)
		}
		seen[m.Reply] = true
		a.arrive(&nats.Msg{Subject: m.Reply})
		<-w.answer
		a.release(w)
	}
	if len(a.awaited) > 0 || len(a.free) != 1 {
		t.Errorf("%d are awaited and %d free", len(a.awaited), len(a.free))
	}
}
