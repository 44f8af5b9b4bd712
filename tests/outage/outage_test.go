package outage

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// outage is a way in which a provider can be down.
type outage struct {
	name string
	// faults of calls and of look-ups; refused is set if connections are refused.
	calls, lookups string
	refused        bool
	// unknown is how many calls of each worker may be unknown after it: those that
	// were in flight before the breaker opened.
	unknown int
}

// maxUnknownPerBurst is how many unknowns open a breaker, and some that were begun
// beside the last of them.
const maxUnknownPerBurst = 5

var outages = []outage{
	{name: "connections refused", refused: true},
	{name: "a gateway's page", calls: "gateway_503_html", lookups: "gateway_503_html", unknown: maxUnknownPerBurst},
	{name: "no answer", calls: "hang_silent", lookups: "hang_silent", unknown: configs.DefaultAccount().Concurrency + maxUnknownPerBurst},
	{name: "unavailable, it says", calls: "service_temporarily_unavailable", lookups: "service_temporarily_unavailable"},
	{name: "unavailable for calls alone", calls: "service_temporarily_unavailable"},
}

func (o outage) begin(t *testing.T, env *bubble.Environment) {
	t.Helper()
	if o.refused {
		env.StopProvider()
	}
	for scope, fault := range map[simulator.Scope]string{simulator.Calls: o.calls, simulator.Lookups: o.lookups} {
		if fault == "" {
			continue
		}
		if err := env.Simulator.PutRule(simulator.Rule{Name: string(scope), On: scope, Fault: fault}); err != nil {
			t.Fatal(err)
		}
	}
}

func (o outage) end(env *bubble.Environment) {
	env.StartProvider()
	env.Simulator.ClearRules()
}

const (
	outageLasts = time.Hour
	// maxProbesPerHour is what an hour of finding out may cost in attempts, for all
	// workers together: 1.1 for each of 10,000 requests.
	maxProbesPerHour = 1000
	recoveryTime     = 10 * time.Second
	outageRate       = 10 // calls per second, of all workers together
)

// TestAnHourWithoutTheProvider costs few attempts and none of the requests, and
// ends within seconds of the outage.
func TestAnHourWithoutTheProvider(t *testing.T) {
	for _, o := range outages {
		for _, workers := range []int{1, 3} {
			if *outageWorkers > 0 {
				workers = *outageWorkers
			}
			t.Run(fmt.Sprintf("%s, %d workers", o.name, workers), func(t *testing.T) { runOutage(t, o, workers) })
			if *outageWorkers > 0 {
				break
			}
		}
	}
}

func runOutage(t *testing.T, o outage, workers int) {
	runtime.GC()
	runtime.GC() // two collections empty sync.Pools: a timer of one bubble is not met in the next
	dir := t.TempDir()
	out := io.Writer(io.Discard)
	if *logs {
		out = t.Output()
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	synctest.Test(t, func(t *testing.T) {
		env := bubble.New(t, dir, simulator.Config{NoMagic: true}, log, func(c *configs.Config) {
			a := c.Accounts["default"]
			a.CallsPerSecond = outageRate
			c.Accounts["default"] = a
		})
		defer env.Close()
		for i := range workers {
			env.StartWorker(fmt.Sprintf("w%d", i))
		}
		<-time.After(5 * time.Second)
		o.begin(t, env)
		began := time.Now()
		expiring := *outageWaiting / 10
		for i := range *outageWaiting {
			expires := ""
			if i%10 == 9 {
				expires = fmt.Sprintf(`,"expires_at":%q`, began.Add(outageLasts/2).UTC().Format(time.RFC3339))
			}
			body := fmt.Sprintf(`{"id":"hour-%d","from":%q,"to":"+9198%08d","answer_url":"https://publisher.example/%d"%s}`,
				i, simulator.DefaultNumber, i, i, expires)
			if _, err := env.Publish("calls.requests.default", []byte(body), nil); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Until(began.Add(outageLasts * 3 / 4)))
		if held := ackPending(t, env); held > workers {
			t.Errorf("%d requests are pulled while nothing may be dialled", held)
		}
		<-time.After(time.Until(began.Add(outageLasts)))
		before := countAttempts(t, env)
		o.end(env)
		ended := time.Now()
		<-time.After(time.Duration(*outageWaiting/outageRate)*time.Second + 15*time.Minute)

		after := readResult(t, env)
		after.probes = before
		after.check(t, o, workers, expiring)
		checkRecovery(t, env, ended)
		t.Logf("%d attempts, %d POSTs that arrived, and %d look-ups while it was down; %.3f attempts for each of %d requests, %d unknown",
			before, after.posts-after.placed, after.lookups, float64(after.made)/float64(*outageWaiting), *outageWaiting, after.states[call.StateUnknown])
	})
}

// ackPending is how many requests workers hold.
func ackPending(t *testing.T, env *bubble.Environment) int {
	t.Helper()
	held := 0
	for _, name := range queue.WorkQueues() {
		stream, err := env.Conn.JetStream().Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		consumers := stream.ListConsumers(t.Context())
		for info := range consumers.Info() {
			held += info.NumAckPending
		}
		if err := consumers.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return held
}

// countAttempts counts the attempts of all calls.
func countAttempts(t *testing.T, env *bubble.Environment) int { return readResult(t, env).made }

// result is what an outage came to.
type result struct {
	states  map[call.State]int
	reasons map[call.Reason]int
	made    int // attempts of all calls
	probes  int // attempts until the outage was over
	late    int // expired, and yet dialled after that
	posts   int
	placed  int
	rung    int
	twice   int
	lookups int
}

func readResult(t *testing.T, env *bubble.Environment) result {
	t.Helper()
	e, err := reconcile.Gather(t.Context(), env.Conn.JetStream(), "default")
	if err != nil {
		t.Fatal(err)
	}
	s := env.Simulator.Oracle().Summary
	a := result{
		states: map[call.State]int{}, reasons: map[call.Reason]int{},
		posts: s.Posts, placed: s.Accepted, rung: s.Rung, twice: s.RungTwice, lookups: s.Lookups,
	}
	for _, r := range e.Records {
		a.states[r.State]++
		a.reasons[r.Reason]++
		a.made += r.Made
		request, _, err := call.DecodeRequest(r.Request, call.PossibleNumbers)
		if err != nil {
			t.Fatal(err)
		}
		if last, ok := r.LastAttempt(); ok && !request.ExpiresAt.IsZero() && last.ClaimedAt.After(request.ExpiresAt) {
			a.late++
		}
	}
	return a
}

func (a result) check(t *testing.T, o outage, workers, expiring int) {
	t.Helper()
	unknown := a.states[call.StateUnknown]
	if unknown > workers*o.unknown {
		t.Errorf("%d calls are unknown", unknown)
	}
	if a.probes-unknown > maxProbesPerHour {
		t.Errorf("%d attempts were made in vain", a.probes-unknown)
	}
	if n := a.reasons[call.AttemptsExhausted]; n > 0 {
		t.Errorf("%d calls were given up for an outage that was not theirs", n)
	}
	if got := a.reasons[call.Expired] + unknown; got < expiring || a.late > 0 {
		t.Errorf("of %d calls that expired %d ended so or are unknown, %d were dialled after that", expiring, got, a.late)
	}
	if ended := a.states[call.StatePlaced] + a.reasons[call.Expired] + unknown; ended != *outageWaiting {
		t.Errorf("%d of %d calls came to a proper end: %v %v", ended, *outageWaiting, a.states, a.reasons)
	}
	if a.twice > 0 || a.rung != a.states[call.StatePlaced] {
		t.Errorf("%d phones rang, %d of them twice; %d calls are placed", a.rung, a.twice, a.states[call.StatePlaced])
	}
}

// checkRecovery looks at how the backlog goes out once the provider is back.
func checkRecovery(t *testing.T, env *bubble.Environment, ended time.Time) {
	t.Helper()
	var at []time.Time
	for _, c := range env.Simulator.Oracle().Calls {
		for _, p := range c.Posts {
			if !p.At.Before(ended) {
				at = append(at, p.At)
			}
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	within := func(from time.Time) int {
		first, _ := slices.BinarySearchFunc(at, from, time.Time.Compare)
		last, _ := slices.BinarySearchFunc(at, from.Add(time.Second), time.Time.Compare)
		return last - first
	}
	if n := within(ended.Add(recoveryTime)); n < outageRate*95/100 {
		t.Errorf("%d calls in the second that begins %s after the outage; the limit is %d", n, recoveryTime, outageRate)
	}
	for _, from := range at {
		if n := within(from); n > outageRate*105/100+1 {
			t.Errorf("%d calls in the second that begins %s after the outage; the limit is %d", n, from.Sub(ended), outageRate)
			break
		}
	}
}

// TestALongTimeWithoutTheProvider costs a question now and then, and loses
// nothing.
func TestALongTimeWithoutTheProvider(t *testing.T) {
	runtime.GC()
	runtime.GC() // two collections empty sync.Pools: a timer of one bubble is not met in the next
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const requests = 200
		env := bubble.New(t, dir, simulator.Config{}, slog.New(slog.DiscardHandler), func(c *configs.Config) {
			c.Request.MaxAge, c.Records.Keep = 72*time.Hour, 96*time.Hour
		})
		defer env.Close()
		long := outage{calls: "service_temporarily_unavailable", lookups: "service_temporarily_unavailable"}
		env.StartWorker("one")
		<-time.After(5 * time.Second)
		long.begin(t, env)
		for i := range requests {
			body := fmt.Sprintf(`{"id":"day-%d","from":%q,"to":"+9198765%05d","answer_url":"https://publisher.example/%d"}`,
				i, simulator.DefaultNumber, i, i)
			if _, err := env.Publish("calls.requests.default", []byte(body), nil); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(*outageLong)
		made := readResult(t, env).made
		long.end(env)
		<-time.After(time.Hour)
		after := readResult(t, env)
		if after.states[call.StatePlaced] != requests || after.rung != requests || after.twice != 0 {
			t.Errorf("%d phones rang, %d of them twice; %v", after.rung, after.twice, after.states)
		}
		t.Logf("%d attempts and %d look-ups in %s", made, after.lookups, *outageLong)
	})
}
