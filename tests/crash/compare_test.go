package crash

import (
	"fmt"
	"strings"
	"testing"

	fp "github.com/ringonce/ringonce/failpoint"
	"github.com/ringonce/ringonce/queue"
)

// compared is what both workers go through: before and after the POST, putting a
// request back, and acknowledging it. Of fifty requests half go well and the
// others are refused once, or ring and lose their first answer in one of four
// ways.
var compared = way{
	[]fp.Point{fp.DeliveryBegun, fp.OutcomeKnown, fp.ScheduleBefore, fp.ScheduleAfter, fp.AckBefore, fp.AckAfter}, 3,
	trial{batch: many(map[kind]int{healthy: 25, refused: 9, lost: 4, gateway: 4, silent: 4, slow: 4})},
}

// many mixes kinds in their numbers, always in the same order.
func many(numbers map[kind]int) []kind {
	left := 0
	for _, n := range numbers {
		left += n
	}
	var mixed []kind
	for len(mixed) < left {
		for _, k := range []kind{healthy, refused, healthy, lost, gateway, healthy, silent, slow} {
			if numbers[k] > 0 {
				numbers[k]--
				mixed = append(mixed, k)
			}
		}
	}
	return mixed
}

// came is what a worker made of its trials.
type came struct {
	requests, rang, twice, most, silent, told, lost int
}

// TestTheUsualWorkerRingsTwice measures the worker that is usually written, and
// ours through the same.
func TestTheUsualWorkerRingsTwice(t *testing.T) {
	if *extent == "few" {
		compared.points = compared.points[1:2]
	}
	var ours, usual came
	t.Run("trials", func(t *testing.T) {
		for _, action := range []string{"kill", "stop"} {
			for _, p := range compared.points {
				c := compared.trial
				c.point, c.nth, c.action = p, compared.nth, action
				t.Run("usual/"+c.name(), func(t *testing.T) {
					t.Parallel()
					figures.add(&usual, c.compare(t, (*world).usual))
				})
				t.Run("ours/"+c.name(), func(t *testing.T) {
					t.Parallel()
					figures.add(&ours, c.compare(t, (*world).worker))
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
	if usual.twice == 0 {
		t.Error("the usual worker rang nobody twice: what it went through breaks nothing")
	}
	figures.compared = fmt.Sprintf("\n%-6s  %8s  %5s  %20s  %23s  %15s  %4s\n", "", "requests", "rang", "rang more than once", "most rings of one phone", "held as unknown", "lost") +
		usual.line("usual") + ours.line("ours")
}

func (c trial) compare(t *testing.T, worker func(*world, string, string) *process) came {
	w := newWorld(t)
	w.publish(c.batch)
	a := worker(w, "A", c.arm())
	a.struck(string(c.point), c.action)
	b := worker(w, "B", "")
	w.Drained()
	if c.action == "stop" {
		a.resume()
		a.finish()
		w.Drained()
	}
	b.finish()
	return w.count()
}

// count asks the provider who was rung, and the broker who was told.
func (w *world) count() came {
	rings := map[string]int{}
	for _, r := range w.rings() {
		rings[r.AnswerURL]++
	}
	v := w.judge()
	known := w.Messages(queue.StreamDead, ">")
	c := came{requests: len(w.published), told: v.Unknown}
	for _, p := range w.published {
		n := rings["https://publisher.example/answer/"+p.Name]
		c.most = max(c.most, n)
		switch {
		case n == 0:
			c.silent++
		case n > 1:
			c.twice++
			c.rang++
		default:
			c.rang++
		}
	}
	// Every request of the batch can be placed: one that never rang and of
	// which no dead letter tells is lost.
	c.lost = max(0, c.silent-known)
	return c
}

func (c came) line(name string) string {
	return strings.TrimRight(fmt.Sprintf("%-6s  %8d  %5d  %20d  %23d  %15d  %4d", name, c.requests, c.rang, c.twice, c.most, c.told, c.lost), " ") + "\n"
}
