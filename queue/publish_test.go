package queue

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// TestWhatTheBrokerForgotIsNotStored: it answers success, with a mark.
func TestWhatTheBrokerForgotIsNotStored(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for i, want := range []error{nil, errDuplicate} {
			m := &nats.Msg{Subject: "calls.requests.acme", Data: []byte("{}"), Header: nats.Header{nats.MsgIdHdr: {"a"}}}
			if _, err := b.Publish(t.Context(), StreamCalls, m); !errors.Is(err, want) {
				t.Errorf("publish %d: %v, want %v", i+1, err, want)
			}
		}
	})
}

// TestWhatConfirms a publish: an acknowledgement of this very stream, and no
// other answer, whoever gives it.
func TestWhatConfirms(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for answer, want := range map[string]error{
			`{"stream":"CALL_RECORDS","seq":4711}`:                                           nil,
			`{"seq":4711,"domain":"hub","stream":"CALL_RECORDS"}`:                            nil,
			`{"stream":"CALLS_DEAD","seq":4711}`:                                             errNotAnAck,
			`{"seq":4711}`:                                                                   errNotAnAck,
			`{"stream":"CALL_RECORDS","seq":0}`:                                              errNotAnAck,
			`{"stream":"CALL_RECORDS","seq":-1}`:                                             errNotAnAck,
			`{"stream":"CALL_RECORDS","seq":18446744073709551616}`:                           errNotAnAck,
			`{"stream":"CALL_RECORDS","seq":4711}}`:                                          errNotAnAck,
			`{"stream":"CALL_RECORDS","seq":4711,"duplicate":true}`:                          errDuplicate,
			`{"error":{"code":400,"err_code":10071,"description":"no"},"stream":"","seq":0}`: call.ErrConflict,
			`{"error":{"code":400,"err_code":10071},"stream":"CALL_RECORDS","seq":4711}`:     call.ErrConflict,
			``: errNotAnAck,
		} {
			sub := must[*nats.Subscription](t)(b.nc.Subscribe("answers.so", func(m *nats.Msg) { _ = m.Respond([]byte(answer)) }))
			sequence, err := b.Publish(t.Context(), StreamRecords, &nats.Msg{Subject: "answers.so", Header: nats.Header{}})
			if !errors.Is(err, want) || err == nil && sequence != 4711 {
				t.Errorf("%s: %d, %v", answer, sequence, err)
			}
			if err := sub.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The answer to a publish that was given up comes while the next publish waits
// for its own: it must not be taken for it.
func TestALateReplyIsDropped(t *testing.T) {
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
			return conn.Publish(ctx, StreamRecords, &nats.Msg{Subject: "slow.stream", Header: nats.Header{}})
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
		if _, err := publishOne(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != RequestTimeout {
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
		_, err := conn.Publish(t.Context(), StreamCalls, &nats.Msg{Subject: "nobody.takes.this", Header: nats.Header{}})
		if !errors.Is(err, errNoResponse) {
			t.Errorf("error %v", err)
		}
	})
}

func TestEveryPublishHasItsOwnReplySubject(t *testing.T) {
	a := &replyMux{prefix: "_INBOX.x.", waiting: map[string]chan<- *nats.Msg{}}
	seen := map[string]bool{}
	for range 1000 {
		m := &nats.Msg{}
		answer := a.register(m)
		if seen[m.Reply] || !strings.HasPrefix(m.Reply, a.prefix) {
			t.Fatalf("%s is given twice", m.Reply)
		}
		seen[m.Reply] = true
		a.deliver(&nats.Msg{Subject: m.Reply})
		a.deliver(&nats.Msg{Subject: m.Reply}) // twice, and nobody is held up
		<-answer
		a.cancel(m)
	}
	if len(a.waiting) > 0 {
		t.Errorf("%d are awaited", len(a.waiting))
	}
}

// TestAClaimAcrossAReconnectionIsUncertain: it is unknown which broker took it.
func TestAClaimAcrossAReconnectionIsUncertain(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		m := &nats.Msg{Subject: "calls.records.acme.a", Header: nats.Header{}}
		if _, err := b.publishOn(t.Context(), b.Generation()+1, StreamRecords, m); !errors.Is(err, ErrReconnected) {
			t.Errorf("gets %v", err)
		}
	})
}
