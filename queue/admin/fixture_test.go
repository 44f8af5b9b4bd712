package admin_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/queue/pull"
)

const acct call.Account = "acme"

// fixture is a broker with an operator and what a worker would write with.
type fixture struct {
	t           *testing.T
	conn        *queue.Conn
	operator    *admin.Operator
	records     *queue.Records
	scheduler   *queue.Scheduler
	deadLetters *queue.DeadLetters
}

func newFixture(t *testing.T) *fixture {
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
	f := &fixture{t: t, conn: conn, scheduler: conn.NewScheduler(), deadLetters: conn.NewDeadLetters(keep.Dead)}
	if f.operator, err = admin.NewOperator(t.Context(), conn, keep); err != nil {
		t.Fatal(err)
	}
	if f.records, err = conn.NewRecords(t.Context(), keep, func() {}); err != nil {
		t.Fatal(err)
	}
	return f
}

func body(id string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}`, id)
}

// fresh is the record of a call that no worker has begun, published an hour ago.
func fresh(id string) call.Record {
	_, digest, _ := call.DecodeRequest(body(id), call.PossibleNumbers)
	origin := call.Origin{Sequence: 7, Published: time.Now().Add(-time.Hour).UTC()}
	return call.NewRecord(acct, call.ID(id), digest, origin, call.Normal, "", body(id))
}

func note() call.Note { return call.Note{At: time.Now().UTC(), By: "asha@desk", Why: "a test"} }

// put writes the next version of a record, whatever the last one is.
func (f *fixture) put(r call.Record) call.Version {
	f.t.Helper()
	_, version := f.read(string(r.ID))
	version, err := f.records.Put(f.t.Context(), r, version)
	if err != nil {
		f.t.Fatal(err)
	}
	return version
}

func (f *fixture) read(id string) (call.Record, call.Version) {
	f.t.Helper()
	r, v, err := f.records.Read(f.t.Context(), acct, call.ID(id))
	if err != nil {
		f.t.Fatal(err)
	}
	return r, v
}

func (f *fixture) putLetter(r call.Record) {
	f.t.Helper()
	if err := f.deadLetters.Put(f.t.Context(), r, nil); err != nil {
		f.t.Fatal(err)
	}
}

// dead makes a call that ended with this reason, with its dead letter.
func (f *fixture) dead(id string, reason call.Reason) call.Record {
	f.t.Helper()
	r, err := fresh(id).MarkDead(reason, "it ended", time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	f.put(r)
	f.putLetter(r)
	return r
}

// claimed is a record that a worker claimed this long ago.
func (f *fixture) claimed(id string, ago time.Duration) call.Record {
	f.t.Helper()
	r, err := fresh(id).Claim("worker-1", "nonce-"+id, time.Now().Add(-ago))
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// unknown makes a call whose attempt of this long ago may have rung.
func (f *fixture) unknown(id string, ago time.Duration) call.Record {
	f.t.Helper()
	r, err := f.claimed(id, ago).MarkUnknown("nonce-"+id, call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	f.put(r)
	f.putLetter(r)
	return r
}

func (f *fixture) letters(id string) []queue.DeadLetter {
	f.t.Helper()
	letters, err := f.deadLetters.ForCall(f.t.Context(), acct, call.ID(id))
	if err != nil {
		f.t.Fatal(err)
	}
	return letters
}

func (f *fixture) wantNoLetters(id string) {
	f.t.Helper()
	if l := f.letters(id); len(l) != 0 {
		f.t.Errorf("%s still has %d letters, the first for %s", id, len(l), l[0].Reason)
	}
}

func (f *fixture) wantState(id string, want call.State) call.Record {
	f.t.Helper()
	r, _ := f.read(id)
	if r.State != want {
		f.t.Errorf("%s is %q, want %q", id, r.State, want)
	}
	return r
}

// due pulls what was brought back, as a worker does.
func (f *fixture) due() []*pull.Message {
	f.t.Helper()
	stream, err := f.conn.JetStream().Stream(f.t.Context(), queue.StreamParked)
	if err != nil {
		f.t.Fatal(err)
	}
	info, err := stream.Info(f.t.Context(), jetstream.WithSubjectFilter("calls.due.>"))
	if err != nil {
		f.t.Fatal(err)
	}
	want := 0
	for _, n := range info.State.Subjects {
		want += int(n)
	}
	if want == 0 {
		return nil
	}
	consumers, err := pull.NewConsumers(f.conn, pull.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	consumer := consumers.New(pull.Config{Account: acct, AckWait: time.Minute, Provision: true})
	if err := consumer.Bind(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	var got []*pull.Message
	permit := func(ctx context.Context) (int, <-chan struct{}) {
		if ctx.Err() != nil {
			return 0, nil
		}
		return want, nil
	}
	consumer.Run(ctx, permit, func(m *pull.Message) {
		if got = append(got, m); len(got) == want {
			cancel()
		}
	})
	return got
}

// claim claims what a due message carries, as a worker does.
func (f *fixture) claim(m *pull.Message, nonce string) (call.Record, error) {
	r, err := m.Due.Record.Claim("worker-2", nonce, time.Now())
	if err != nil {
		return r, err
	}
	_, err = f.records.Put(f.t.Context(), r, m.Due.Version)
	return r, err
}

func wantRefused(t *testing.T, err error) {
	t.Helper()
	var refused *admin.PreconditionError
	if !errors.As(err, &refused) || refused.Problem == "" || refused.Hint == "" {
		t.Errorf("got %v, want a refusal with a reason and a fix", err)
	}
}
