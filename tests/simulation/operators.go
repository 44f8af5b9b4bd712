package simulation

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// operator waits until the way to the broker is there again, after it came up.
func (r *run) operator() *admin.Operator {
	for !r.env.Conn.NATS().IsConnected() {
		<-time.After(10 * time.Millisecond)
	}
	o, err := admin.NewOperator(context.Background(), r.env.Conn, queue.Retention{
		Placed: r.env.Config.Records.Keep, Dead: r.env.Config.Dead.Keep,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return o
}

func (r *run) noteFor(what string) call.Note {
	return call.Note{At: time.Now(), By: "operator", What: what, Why: "the plan says so"}
}

// cancel takes a call back, if it is not too late for that.
func (r *run) cancel(q request) {
	if r.down {
		return
	}
	id := call.ID(q.messageID)
	if decoded, _, err := call.DecodeRequest([]byte(q.body), call.PossibleNumbers); err == nil && decoded.ID != "" {
		id = decoded.ID
	} else if read, ok := call.ReadID([]byte(q.body)); ok {
		id = read
	}
	if _, err := r.operator().Cancel(context.Background(), call.Account(q.account), id, r.noteFor("cancel")); err != nil {
		r.logf("not cancelled: %v", err)
	}
}

// runOperators replays what is dead, resolves what is unknown by what the provider
// knows, and discards some.
func (r *run) runOperators() {
	o := r.operator()
	for _, account := range []call.Account{"default", "second"} {
		e, err := reconcile.Gather(context.Background(), r.env.Conn.JetStream(), account)
		if err != nil {
			r.t.Fatal(err)
		}
		for i, record := range e.Records {
			var what string
			var err error
			switch {
			case record.State == call.StateUnknown && r.rang(record):
				what = "resolve as rang"
				_, err = o.ResolveRang(context.Background(), account, record.ID, r.noteFor(what))
			case record.State == call.StateUnknown:
				what = "resolve as not rung"
				_, err = o.ResolveNotRung(context.Background(), account, record.ID, r.noteFor(what))
			case record.State == call.StateDead && !record.MayHaveRung && i%3 == 0:
				what = "discard"
				_, err = o.Discard(context.Background(), account, record.ID, r.noteFor(what))
			case record.State == call.StateDead && !record.MayHaveRung:
				what = "replay"
				_, err = o.Replay(context.Background(), account, record.ID, r.noteFor(what), false)
			default:
				continue
			}
			r.logf("%s %s: %v", what, record.ID, err)
		}
	}
}

// rang asks the provider, as an operator asks its call log.
func (r *run) rang(record call.Record) bool {
	request, _, err := call.DecodeRequest(record.Request, call.PossibleNumbers)
	if err != nil {
		return false
	}
	report := r.env.Simulator.Report(simulator.ReportFilter{
		Organisation: string(record.Account), Callee: request.To.E164(), AnswerURL: request.AnswerURL,
	})
	for _, c := range report.Calls {
		if c.Rung > 0 {
			return true
		}
	}
	return false
}
