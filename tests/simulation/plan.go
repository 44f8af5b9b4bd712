package simulation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// Spans of a plan.
const (
	activePeriod = 10 * time.Minute // while requests come and things break
	maxAge       = 15 * time.Minute // request.max_age
	restPeriod   = 25 * time.Minute // after which everything must have come to its end
	// When operators have been at work, there is more to come to its end.
	operatorPeriod = 20 * time.Minute
	// maxIdleMinutes is for how many minutes what is under way then may take to end.
	maxIdleMinutes = 180
)

// plan is what a seed makes.
type plan struct {
	seed    uint64
	workers int
	rate    float64 // calls per second of an account, 0 without limit
	events  []event
	// broken is set if workers or the broker were broken, so that any outcome
	// may have been lost.
	broken bool
	// operators replay, resolve and discard when all has come to its end.
	operators bool
	// lossy is set if the broker loses what is parked, as after a power loss.
	lossy bool
}

// event is something that happens at a time.
type event struct {
	at   time.Duration
	what string
	do   func(*run)
}

// request is one message that a publisher sends.
type request struct {
	name      string
	body      string
	account   string
	priority  string
	messageID string
	header    map[string]string
	// ambiguous is set if the answer of the provider does not show whether the
	// phone rang.
	ambiguous bool
	notBefore time.Time
	expiresAt time.Time
}

func newPlan(seed uint64, start time.Time) plan {
	r := rand.New(rand.NewPCG(seed, 0x72696e676f6e6365))
	p := plan{seed: seed, workers: 1 + r.IntN(3)}
	if r.IntN(3) == 0 {
		p.rate = 1 + 20*r.Float64()
	}
	p.requests(r, start)
	p.provider(r)
	if r.IntN(2) == 0 {
		p.broken = true
		p.failures(r)
	}
	p.operators = r.IntN(3) == 0
	if p.lossy = !p.broken && r.IntN(4) == 0; p.lossy {
		at, _ := p.window(r, time.Minute)
		p.add(at, "the broker loses what is parked", func(run *run) { run.loseParked() })
	}
	p.pauses(r)
	slices.SortStableFunc(p.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return p
}

func (p *plan) add(at time.Duration, what string, do func(*run)) {
	p.events = append(p.events, event{at: at, what: what, do: do})
}

// requests come in clumps, as publishers send them.
func (p *plan) requests(r *rand.Rand, start time.Time) {
	n := 10 + r.IntN(40)
	at := time.Duration(0)
	for i := range n {
		if r.IntN(3) == 0 {
			at = time.Duration(r.Int64N(int64(activePeriod)))
		}
		q := p.request(r, i, start.Add(at))
		p.add(at, "publish "+q.name, func(run *run) { run.publish(q) })
		if named := strings.Contains(q.body, `"id":`) || q.messageID != ""; !named {
			continue // without an id, a second message is a second call
		}
		if r.IntN(12) == 0 {
			again := at + time.Duration(r.Int64N(int64(activePeriod/2)))
			twin := q
			twin.name += "-again"
			p.add(again, "publish "+twin.name, func(run *run) { run.publish(twin) })
		}
		if r.IntN(12) == 0 {
			p.add(at+time.Duration(r.Int64N(int64(activePeriod/4))), "cancel "+q.name, func(run *run) { run.cancel(q) })
		}
		if r.IntN(20) == 0 {
			rival := q
			rival.name += "-rival"
			rival.body = strings.Replace(q.body, `"answer_url"`, `"ring_timeout":33,"answer_url"`, 1)
			p.add(at+time.Second, "publish "+rival.name, func(run *run) { run.publish(rival) })
		}
	}
}

func (p *plan) request(r *rand.Rand, i int, now time.Time) request {
	q := request{name: fmt.Sprintf("r%d", i), account: pick(r, "default", "default", "second"), priority: pick(r, "", "", "urgent", "normal", "bulk")}
	callee, ambiguous := p.callee(r, i)
	q.ambiguous = ambiguous
	from := callerID[q.account]
	fields := []string{fmt.Sprintf(`"from":%q,"to":%q`, from, callee), fmt.Sprintf(`"answer_url":"https://publisher.example/%d/%s"`, p.seed, q.name)}
	if r.IntN(4) > 0 {
		fields = append([]string{fmt.Sprintf(`"id":"id-%d-%s"`, p.seed, q.name)}, fields...)
	} else if r.IntN(2) == 0 {
		q.messageID = fmt.Sprintf("msg-%d-%s", p.seed, q.name)
	}
	if r.IntN(8) == 0 {
		q.notBefore = now.Add(time.Duration(r.Int64N(int64(8 * time.Minute)))).UTC().Truncate(time.Millisecond)
		fields = append(fields, fmt.Sprintf(`"not_before":%q`, q.notBefore.Format(time.RFC3339Nano)))
	}
	if r.IntN(8) == 0 && q.notBefore.IsZero() {
		q.expiresAt = now.Add(time.Duration(r.Int64N(int64(4*time.Minute))) - time.Minute).UTC().Truncate(time.Millisecond)
		fields = append(fields, fmt.Sprintf(`"expires_at":%q`, q.expiresAt.Format(time.RFC3339Nano)))
	}
	q.body = "{" + strings.Join(fields, ",") + "}"
	q.header = map[string]string{}
	switch r.IntN(25) {
	case 0:
		q.body = strings.Replace(q.body, `"from":"+`, `"from":"`, 1) // a bare number
	case 1:
		q.body = q.body[:len(q.body)/2]
	case 2:
		q.body = strings.Replace(q.body, from, unlinked[q.account], 1)
	case 3:
		q.header["Ringonce-Record"] = "1/1" // an internal header, forged
		q.header["Nats-Schedule-Target"] = "calls.due.second.normal"
	}
	return q
}

// callee chooses who is called, and so what the provider answers: magic numbers
// of the simulator meet every fault of the contract.
func (p *plan) callee(r *rand.Rand, i int) (number string, ambiguous bool) {
	if r.IntN(2) == 0 {
		return fmt.Sprintf("+9198765%05d", i), false
	}
	switch r.IntN(10) {
	case 0:
		return simulator.MagicCallee(suspendingFaults[r.IntN(len(suspendingFaults))], 1), false
	case 1, 2, 3:
		faults := ambiguousFaults()
		return simulator.MagicCallee(faults[r.IntN(len(faults))], r.IntN(3)), true
	default:
		return simulator.MagicCallee(clearFaults[r.IntN(len(clearFaults))], r.IntN(4)), false
	}
}

// provider has its bad times: outages, slowness, keys and links that change.
func (p *plan) provider(r *rand.Rand) {
	for i := range r.IntN(3) {
		at, long := p.window(r, 2*time.Minute)
		rule := simulator.Rule{
			Name: fmt.Sprintf("outage-%d", i), Fault: pick(r, "service_temporarily_unavailable", "initiate_failed", "cdn_521"),
			Until: long, Rate: pick(r, 0, 0.5),
		}
		p.add(at, "outage "+rule.Fault, func(run *run) { run.putRule(rule) })
	}
	if r.IntN(4) == 0 {
		at, long := p.window(r, 2*time.Minute)
		p.add(at, "the key is refused", func(run *run) { run.setAPIKey("default", "another-key") })
		p.add(at+long, "the key is accepted", func(run *run) { run.setAPIKey("default", simulator.DefaultAPIKey) })
	}
	if r.IntN(4) == 0 {
		at, long := p.window(r, 2*time.Minute)
		slow := time.Duration(r.Int64N(int64(5 * time.Second)))
		p.add(at, "answers are slow", func(run *run) { run.setLatency(slow) })
		p.add(at+long, "answers are quick", func(run *run) { run.setLatency(0) })
	}
}

// failures stop, kill and cut off workers, and restart the broker.
func (p *plan) failures(r *rand.Rand) {
	for range 1 + r.IntN(4) {
		at, long := p.window(r, time.Minute)
		who := r.IntN(p.workers)
		switch r.IntN(4) {
		case 0:
			p.add(at, fmt.Sprintf("worker %d is stopped", who), func(run *run) { run.stop(who) })
			p.add(at+long, fmt.Sprintf("worker %d is started", who), func(run *run) { run.restart(who) })
		case 1:
			p.add(at, fmt.Sprintf("worker %d is killed", who), func(run *run) { run.kill(who) })
			p.add(at+long, fmt.Sprintf("worker %d is started", who), func(run *run) { run.restart(who) })
		case 2:
			p.add(at, fmt.Sprintf("worker %d is cut off", who), func(run *run) { run.cut(who) })
			p.add(at+long, fmt.Sprintf("worker %d is back", who), func(run *run) { run.heal(who) })
		case 3:
			p.add(at, "the broker goes down", func(run *run) { run.brokerDown() })
			p.add(at+long/4, "the broker comes up", func(run *run) { run.brokerUp() })
		}
	}
}

func (p *plan) window(r *rand.Rand, most time.Duration) (at, long time.Duration) {
	return time.Duration(r.Int64N(int64(activePeriod - most))), time.Second + time.Duration(r.Int64N(int64(most)))
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
