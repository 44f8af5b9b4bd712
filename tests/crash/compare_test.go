package crash

import (
	"fmt"
	"strings"
	"testing"

	fp "github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/batch"
	"github.com/ringonce/ringonce/tests/process"
)

// compared is what both workers go through: before and after the POST, putting a
// request back, and acknowledging it. Of fifty requests half go well and the
// others are refused once, or ring and lose their first answer in one of four
// ways.
var compared = scenario{
	points: []fp.Point{fp.DeliveryBegun, fp.OutcomeKnown, fp.ScheduleBefore, fp.ScheduleAfter, fp.AckBefore, fp.AckAfter},
	nth:    3,
	trial:  trial{batch: mixed(map[batch.Kind]int{batch.Healthy: 25, batch.Refused: 9, batch.Lost: 4, batch.Gateway: 4, batch.Silent: 4, batch.Slow: 4})},
}

// mixed mixes kinds in their numbers, always in the same order.
func mixed(numbers map[batch.Kind]int) []batch.Kind {
	left := 0
	for _, n := range numbers {
		left += n
	}
	var mixed []batch.Kind
	for len(mixed) < left {
		for _, k := range []batch.Kind{batch.Healthy, batch.Refused, batch.Healthy, batch.Lost, batch.Gateway, batch.Healthy, batch.Silent, batch.Slow} {
			if numbers[k] > 0 {
				numbers[k]--
				mixed = append(mixed, k)
			}
		}
	}
	return mixed
}

// result is what a worker made of its trials.
type result struct {
	requests, rang      int
	twice, byCrashAlone int // rang more than once; those of them whose answers all came
	maxRings            int // rings of one phone
	unknown, lost       int
}

// TestTheNaiveWorkerRingsTwice measures the worker that is naively written, and
// ours through the same.
func TestTheNaiveWorkerRingsTwice(t *testing.T) {
	points, actions := compared.points, []string{"kill", "stop"}
	if *extent == "few" {
		points, actions = []fp.Point{fp.OutcomeKnown}, []string{"kill"}
	}
	var ours, naive result
	t.Run("trials", func(t *testing.T) {
		for _, action := range actions {
			for _, p := range points {
				c := compared.trial
				c.point, c.nth, c.action = p, compared.nth, action
				t.Run("naive/"+c.name(), func(t *testing.T) {
					t.Parallel()
					figures.add(&naive, c.compare(t, (*environment).naiveWorker, false))
				})
				t.Run("ours/"+c.name(), func(t *testing.T) {
					t.Parallel()
					figures.add(&ours, c.compare(t, (*environment).worker, true))
				})
			}
		}
	})
	if t.Failed() {
		return
	}
	if ours.twice != 0 || ours.lost != 0 {
		t.Errorf("ours: %d of %d phones rang more than once, %d requests were lost", ours.twice, ours.requests, ours.lost)
	}
	if naive.twice == 0 {
		t.Error("the naive worker rang no phone twice: the trials break nothing")
	}
	figures.compared = fmt.Sprintf("\n"+columns, "", "requests", "rang", "rang more than once", "by the crash alone", "most rings", "held as unknown", "lost") +
		naive.line("naive") + ours.line("ours")
}

// compare runs a trial, and checks it if the worker keeps records.
func (c trial) compare(t *testing.T, worker func(*environment, string, string) *process.Process, checked bool) result {
	env := newEnvironment(t)
	env.publish(c.batch)
	a := worker(env, "A", c.failpoints())
	a.AwaitFailpoint(string(c.point), c.action)
	b := worker(env, "B", "")
	env.AwaitDrained()
	if c.action == "stop" {
		a.Resume()
		a.Terminate()
		env.AwaitDrained()
	}
	b.Terminate()
	if checked {
		if v := env.check(); !v.OK() {
			t.Errorf("rung twice: %v\ncontradictions: %v\n%s", v.RungTwice, v.Discrepancies, history(a, b))
		}
	}
	return env.countResult()
}

// countResult asks the provider who was rung, and the broker for the dead letters.
func (env *environment) countResult() result {
	rings := map[string]int{}
	for _, r := range env.Rings() {
		rings[r.AnswerURL]++
	}
	c := result{requests: len(env.published), unknown: env.Messages(queue.StreamDead, "calls.dead.*.outcome_unknown.*")}
	for _, p := range env.published {
		n := rings["https://publisher.example/answer/"+p.Name]
		c.maxRings = max(c.maxRings, n)
		if n > 0 {
			c.rang++
		}
		if n > 1 {
			c.twice++
		}
		if n > 1 && (strings.HasPrefix(p.Name, string(batch.Healthy)) || strings.HasPrefix(p.Name, string(batch.Refused))) {
			c.byCrashAlone++
		}
	}
	// Every request of the batch can be placed: one that never rang and of
	// which there is no dead letter is lost.
	c.lost = max(0, c.requests-c.rang-env.Messages(queue.StreamDead, ">"))
	return c
}

// columns take headings as well as numbers.
const columns = "%-6v %9v %6v %20v %19v %11v %16v %5v\n"

func (c result) line(name string) string {
	return fmt.Sprintf(columns, name, c.requests, c.rang, c.twice, c.byCrashAlone, c.maxRings, c.unknown, c.lost)
}
