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
	env     *bubble.Environment
	began   time.Time
	workers []*bubble.Worker // nil where one is stopped
	down    bool             // the broker is
	started int

	published map[string][]reconcile.Published // by account
	requests  map[string]request               // by account and answer URL
	paused    []interval
	refused   []interval    // while the key is not accepted
	latencies []latencySpan // how long the provider took, from when on
	lost      int           // calls that the audit found
	history   strings.Builder
}

// runPlan goes through the plan, inside a bubble, and leaves all at rest.
func runPlan(t testing.TB, dir string, seed uint64, log *slog.Logger) *run {
	r := &run{t: t, began: time.Now(), published: map[string][]reconcile.Published{}, requests: map[string]request{}}
	r.plan = newPlan(seed, r.began)
	r.env = bubble.New(t, dir, simulator.Config{World: organisations(), Seed: seed}, log, r.configure)
	for i := range r.plan.workers {
		r.workers = append(r.workers, nil)
		r.startWorker(i)
	}
	for _, e := range r.plan.events {
		r.sleepUntil(e.at)
		r.logf("%s", e.what)
		e.do(r)
	}
	r.sleepUntil(activePeriod)
	r.logf("everything is repaired")
	r.repairAll()
	r.sleepUntil(activePeriod + restPeriod)
	r.awaitIdle()
	r.audit()
	if r.plan.operators {
		r.logf("operators look through what ended")
		r.runOperators()
		r.sleepUntil(time.Since(r.began) + operatorPeriod)
		r.awaitIdle()
	}
	return r
}

// awaitIdle waits until nothing is under way: an account that was suspended again
// and again takes long to come back. What never comes to rest is for the check
// to find.
func (r *run) awaitIdle() {
	for range maxIdleMinutes {
		left, err := reconcile.CountMessages(context.Background(), r.env.Conn.JetStream(), queue.WorkQueues()...)
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

// sleepUntil lets time pass.
func (r *run) sleepUntil(at time.Duration) {
	if wait := time.Until(r.began.Add(at)); wait > 0 {
		<-time.After(wait)
	}
}

func (r *run) logf(format string, values ...any) {
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
	message, err := r.env.Publish(subject, []byte(q.body), h)
	if err != nil {
		r.logf("not published: %v", err)
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

func (r *run) startWorker(i int) {
	r.started++
	r.workers[i] = r.env.StartWorker(fmt.Sprintf("w%d-%d", i, r.started))
}

func (r *run) restart(i int) {
	if r.workers[i] == nil {
		r.startWorker(i)
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
		r.env.StopBroker()
	}
}

func (r *run) brokerUp() {
	if r.down {
		r.down = false
		r.env.StartBroker()
	}
}

func (r *run) putRule(rule simulator.Rule) {
	if err := r.env.Simulator.PutRule(rule); err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) setAPIKey(organisation, key string) {
	if key == simulator.DefaultAPIKey {
		for i := range r.refused {
			r.refused[i].to = cmp.Or(r.refused[i].to, time.Now())
		}
	} else {
		r.refused = append(r.refused, interval{account: organisation, from: time.Now()})
	}
	if err := r.env.Simulator.SetAPIKeys(organisation, key); err != nil {
		r.t.Fatal(err)
	}
}

// latencySpan is how long the provider takes for an answer from some time on.
type latencySpan struct {
	from    time.Time
	latency time.Duration
}

// answeredAt returns when an attempt was answered that arrived at this time.
func (r *run) answeredAt(at time.Time) time.Time {
	var in time.Duration
	for _, a := range r.latencies {
		if !a.from.After(at) {
			in = a.latency
		}
	}
	return at.Add(in)
}

func (r *run) setLatency(d time.Duration) {
	r.latencies = append(r.latencies, latencySpan{from: time.Now(), latency: d})
	if err := r.env.Simulator.SetLatency(simulator.Latency{Fixed: d}); err != nil {
		r.t.Fatal(err)
	}
}

// repairAll puts everything in order, so that every request can come to its end.
func (r *run) repairAll() {
	r.env.Simulator.ClearRules()
	r.setLatency(0)
	r.setAPIKey("default", simulator.DefaultAPIKey)
	r.brokerUp()
	for _, account := range []string{"default", "second", ""} {
		r.resume(account)
	}
	for i := range r.workers {
		r.heal(i)
		r.restart(i)
	}
}

// reconcileInput reads the sources for an account.
func (r *run) reconcileInput(a call.Account) (reconcile.Input, simulator.Report, error) {
	e, err := reconcile.Gather(context.Background(), r.env.Conn.JetStream(), a)
	if err != nil {
		return e, simulator.Report{}, err
	}
	e.Published = r.published[string(a)]
	report := r.env.Simulator.Report(simulator.ReportFilter{Organisation: string(a)})
	for _, c := range report.Calls {
		for _, ring := range c.Rings {
			e.Rings = append(e.Rings, reconcile.Ring{Callee: c.Callee, AnswerURL: c.AnswerURL, RequestUUID: ring.RequestUUID})
		}
	}
	return e, report, nil
}
