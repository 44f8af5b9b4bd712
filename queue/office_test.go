package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
)

const acct call.Account = "acme"

// office is a broker with an operator and what a worker would write with.
type office struct {
	t         *testing.T
	conn      *queue.Conn
	operator  *queue.Operator
	records   *queue.Records
	parking   *queue.Scheduler
	graveyard *queue.DeadLetters
}

func newOffice(t *testing.T) *office {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	up := make(chan struct{}, 1)
	conn, err := queue.Connect(queue.ConnectOptions{URL: broker.ClientURL(), Name: "test", OnConnectionChange: func(bool, error) {
		select {
		case up <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	<-up
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), conn.JetStream()); err != nil {
		t.Fatal(err)
	}
	keep := queue.Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}
	o := &office{t: t, conn: conn, parking: conn.NewScheduler(), graveyard: conn.NewDeadLetters(keep.Dead)}
	if o.operator, err = conn.NewOperator(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
	if o.records, err = conn.NewRecords(t.Context(), keep, func() {}); err != nil {
		t.Fatal(err)
	}
	return o
}

func body(id string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}`, id)
}

// fresh is the record of a call that nobody has begun, published an hour ago.
func fresh(id string) call.Record {
	_, digest, _ := call.DecodeRequest(body(id), call.PossibleNumbers)
	origin := call.Origin{Sequence: 7, Published: time.Now().Add(-time.Hour).UTC()}
	return call.NewRecord(acct, call.ID(id), digest, origin, call.Normal, "", body(id))
}

func note() call.Note { return call.Note{At: time.Now().UTC(), By: "asha@desk", Why: "a test"} }

// put writes the next version of a record, whatever the last one is.
func (o *office) put(r call.Record) call.Version {
	o.t.Helper()
	_, version := o.read(string(r.ID))
	version, err := o.records.Put(o.t.Context(), r, version)
	if err != nil {
		o.t.Fatal(err)
	}
	return version
}

func (o *office) read(id string) (call.Record, call.Version) {
	o.t.Helper()
	r, v, err := o.records.Read(o.t.Context(), acct, call.ID(id))
	if err != nil {
		o.t.Fatal(err)
	}
	return r, v
}

func (o *office) bury(r call.Record) {
	o.t.Helper()
	if err := o.graveyard.Put(o.t.Context(), r, nil); err != nil {
		o.t.Fatal(err)
	}
}

// dead makes a call that ended with this reason, letter and all.
func (o *office) dead(id string, reason call.Reason) call.Record {
	o.t.Helper()
	r, err := fresh(id).MarkDead(reason, "it ended", time.Now())
	if err != nil {
		o.t.Fatal(err)
	}
	o.put(r)
	o.bury(r)
	return r
}

// claimed is a record that a worker claimed this long ago.
func (o *office) claimed(id string, ago time.Duration) call.Record {
	o.t.Helper()
	r, err := fresh(id).Claim("worker-1", "nonce-"+id, time.Now().Add(-ago))
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// unknown makes a call whose attempt of this long ago may have rung.
func (o *office) unknown(id string, ago time.Duration) call.Record {
	o.t.Helper()
	r, err := o.claimed(id, ago).MarkUnknown("nonce-"+id, call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now())
	if err != nil {
		o.t.Fatal(err)
	}
	o.put(r)
	o.bury(r)
	return r
}

func (o *office) letters(id string) []queue.DeadLetter {
	o.t.Helper()
	letters, err := o.graveyard.ForCall(o.t.Context(), acct, call.ID(id))
	if err != nil {
		o.t.Fatal(err)
	}
	return letters
}

func (o *office) wantNoLetters(id string) {
	o.t.Helper()
	if l := o.letters(id); len(l) != 0 {
		o.t.Errorf("%s still has %d letters, the first for %s", id, len(l), l[0].Reason)
	}
}

func (o *office) wantState(id string, want call.State) call.Record {
	o.t.Helper()
	r, _ := o.read(id)
	if r.State != want {
		o.t.Errorf("%s is %q, want %q", id, r.State, want)
	}
	return r
}

// due pulls what was brought back, as a worker does.
func (o *office) due() []*queue.Message {
	o.t.Helper()
	stream, err := o.conn.JetStream().Stream(o.t.Context(), queue.StreamParked)
	if err != nil {
		o.t.Fatal(err)
	}
	info, err := stream.Info(o.t.Context(), jetstream.WithSubjectFilter("calls.due.>"))
	if err != nil {
		o.t.Fatal(err)
	}
	want := 0
	for _, n := range info.State.Subjects {
		want += int(n)
	}
	if want == 0 {
		return nil
	}
	consumer := o.conn.NewConsumer(queue.ConsumerConfig{Account: acct, AckWait: time.Minute, Provision: true})
	if err := consumer.Bind(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	var got []*queue.Message
	permit := func(ctx context.Context) (int, <-chan struct{}) {
		if ctx.Err() != nil {
			return 0, nil
		}
		return want, nil
	}
	consumer.Run(ctx, permit, func(m *queue.Message) {
		if got = append(got, m); len(got) == want {
			cancel()
		}
	})
	return got
}

// claim claims what a due message carries, as a worker does.
func (o *office) claim(m *queue.Message, nonce string) (call.Record, error) {
	r, err := m.Due.Record.Claim("worker-2", nonce, time.Now())
	if err != nil {
		return r, err
	}
	_, err = o.records.Put(o.t.Context(), r, m.Due.Version)
	return r, err
}

func wantRefused(t *testing.T, err error) {
	t.Helper()
	var refused *queue.PreconditionError
	if !errors.As(err, &refused) || refused.Problem == "" || refused.Hint == "" {
		t.Errorf("got %v, want a refusal with a reason and a fix", err)
	}
}
