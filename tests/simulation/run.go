package simulation

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// run is a plan being lived through.
type run struct {
	t       testing.TB
	plan    plan
	world   *bubble.Environment
	began   time.Time
	workers []*bubble.Worker // nil where one is stopped
	down    bool             // the broker is
	named   int

	published map[string][]reconcile.Published // by account
	requests  map[string]request               // by account and answer URL
	paused    []stop
	refusing  []stop      // while the key is not accepted
	answering []answering // how long the provider took, from when on
	forgotten int         // calls that the audit found
	history   strings.Builder
}

// live goes through the plan, inside a bubble, and leaves all at rest.
func live(t testing.TB, dir string, seed uint64, log *slog.Logger) *run {
	r := &run{t: t, began: time.Now(), published: map[string][]reconcile.Published{}, requests: map[string]request{}}
	r.plan = newPlan(seed, r.began)
	r.world = bubble.New(t, dir, simulator.Config{World: world(), Seed: seed}, log, r.configure)
	for i := range r.plan.workers {
		r.workers = append(r.workers, nil)
		r.begin(i)
	}
	for _, e := range r.plan.events {
		r.until(e.at)
		r.note("%s", e.what)
		e.do(r)
	}
	r.until(busy)
	r.note("everything is mended")
	r.mend()
	r.until(busy + rest)
	r.settle()
	r.audit()
	if r.plan.operators {
		r.note("operators look through what ended")
		r.operate()
		r.until(time.Since(r.began) + operated)
		r.settle()
	}
	return r
}

// settle waits until nothing is under way: an account that was suspended again
// and again takes long to come back. What never comes to rest is for the check
// to find.
func (r *run) settle() {
	for range patience {
		left, err := reconcile.CountMessages(context.Background(), r.world.Conn.JetStream(), queue.WorkQueues()...)
		if err != nil {
			r.t.Fatal(err)
		}
		if left == 0 {
			return
		}
		<-time.After(time.Minute)
	}
}

func (r *run) configure(c *configs.Config) {
	c.Request.MaxAge, c.Records.Keep, c.Dead.Keep = maxAge, 36*time.Hour, 720*time.Hour
	second := configs.DefaultAccount()
	second.APIKey = configs.NewSecret(secondKey)
	c.Accounts["second"] = second
	for name, a := range c.Accounts {
		a.CallsPerSecond = r.plan.rate
		c.Accounts[name] = a
	}
}

// until lets time pass.
func (r *run) until(at time.Duration) {
	if wait := time.Until(r.began.Add(at)); wait > 0 {
		<-time.After(wait)
	}
}

func (r *run) note(format string, values ...any) {
	fmt.Fprintf(&r.history, "%8s  %s\n", time.Since(r.began).Round(time.Millisecond), fmt.Sprintf(format, values...))
}

func (r *run) publish(q request) {
	h := nats.Header{}
	for k, v := range q.header {
		h.Set(k, v)
	}
	if q.messageID != "" {
		h.Set(nats.MsgIdHdr, q.messageID)
	}
	subject := "calls.requests." + q.account
	if q.priority != "" {
		subject += "." + q.priority
	}
	message, err := r.world.Publish(subject, []byte(q.body), h)
	if err != nil {
		r.note("not published, as the publisher was told: %v", err)
		return
	}
	r.published[q.account] = append(r.published[q.account], reconcile.Published{
		Name: q.name, OriginKey: message.Key(), Body: []byte(q.body), MessageID: q.messageID,
	})
	decoded, _, err := call.DecodeRequest([]byte(q.body), call.PossibleNumbers)
	if err == nil {
		r.requests[q.account+" "+decoded.AnswerURL] = q
	}
}

func (r *run) begin(i int) {
	r.named++
	r.workers[i] = r.world.StartWorker(fmt.Sprintf("w%d-%d", i, r.named))
}

func (r *run) start(i int) {
	if r.workers[i] == nil {
		r.begin(i)
	}
}

func (r *run) stop(i int) {
	if w := r.workers[i]; w != nil {
		w.Signal()
		r.workers[i] = nil
	}
}

func (r *run) kill(i int) {
	if w := r.workers[i]; w != nil {
		w.Kill()
		r.workers[i] = nil
	}
}

func (r *run) cut(i int) {
	if w := r.workers[i]; w != nil {
		w.Network.Cut()
	}
}

func (r *run) heal(i int) {
	if w := r.workers[i]; w != nil {
		w.Network.Heal()
	}
}

func (r *run) brokerDown() {
	if !r.down {
		r.down = true
		r.world.StopBroker()
	}
}

func (r *run) brokerUp() {
	if r.down {
		r.down = false
		r.world.StartBroker()
	}
}

func (r *run) rule(rule simulator.Rule) {
	if err := r.world.Simulator.PutRule(rule); err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) keys(organisation, key string) {
	if key == simulator.DefaultAPIKey {
		for i := range r.refusing {
			r.refusing[i].to = cmp.Or(r.refusing[i].to, time.Now())
		}
	} else {
		r.refusing = append(r.refusing, stop{account: organisation, from: time.Now()})
	}
	if err := r.world.Simulator.SetAPIKeys(organisation, key); err != nil {
		r.t.Fatal(err)
	}
}

// answering is how long the provider takes for an answer from some time on.
type answering struct {
	from time.Time
	in   time.Duration
}

// answered gives when an attempt was answered that arrived at this time.
func (r *run) answered(at time.Time) time.Time {
	var in time.Duration
	for _, a := range r.answering {
		if !a.from.After(at) {
			in = a.in
		}
	}
	return at.Add(in)
}

func (r *run) latency(d time.Duration) {
	r.answering = append(r.answering, answering{from: time.Now(), in: d})
	if err := r.world.Simulator.SetLatency(simulator.Latency{Fixed: d}); err != nil {
		r.t.Fatal(err)
	}
}

// mend puts everything in order, so that every request can come to its end.
func (r *run) mend() {
	r.world.Simulator.ClearRules()
	r.latency(0)
	r.keys("default", simulator.DefaultAPIKey)
	r.brokerUp()
	for _, account := range []string{"default", "second", ""} {
		r.resume(account)
	}
	for i := range r.workers {
		r.heal(i)
		r.start(i)
	}
}

// evidence gathers what the witnesses say of an account.
func (r *run) evidence(a call.Account) (reconcile.Input, simulator.Report, error) {
	e, err := reconcile.Gather(context.Background(), r.world.Conn.JetStream(), a)
	if err != nil {
		return e, simulator.Report{}, err
	}
	e.Published = r.published[string(a)]
	report := r.world.Simulator.Report(simulator.ReportFilter{Organisation: string(a)})
	for _, c := range report.Calls {
		for _, ring := range c.Rings {
			e.Rings = append(e.Rings, reconcile.Ring{Callee: c.Callee, AnswerURL: c.AnswerURL, RequestUUID: ring.RequestUUID})
		}
	}
	return e, report, nil
}
