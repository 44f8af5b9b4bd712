package outage

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// TestRetryAfterThrottlesEveryWorker: a pause that the provider asks one worker for
// holds for all of them, be it a 429 or a 503.
func TestRetryAfterThrottlesEveryWorker(t *testing.T) {
	for _, fault := range []string{"too_many_requests_seconds", "unavailable_seconds", "unavailable_date"} {
		t.Run(fault, func(t *testing.T) {
			runtime.GC()
			runtime.GC() // see runOutage
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { checkThrottle(t, dir, fault) })
		})
	}
}

func checkThrottle(t *testing.T, dir, fault string) {
	const requests, pause = 80, 2 * time.Minute
	env := bubble.New(t, dir, simulator.Config{NoMagic: true}, slog.New(slog.DiscardHandler), nil)
	defer env.Close()
	for i := range 3 {
		env.StartWorker(fmt.Sprintf("w%d", i))
	}
	<-time.After(5 * time.Second)
	slow := simulator.Rule{Name: "slow", Fault: fault, Callee: "+919800000020", RetryAfter: pause, First: 1}
	if err := env.Simulator.PutRule(slow); err != nil {
		t.Fatal(err)
	}
	for i := range requests {
		body := fmt.Sprintf(`{"id":"slow-%d","from":%q,"to":"+9198%08d","answer_url":"https://publisher.example/%d"}`, i, simulator.DefaultNumber, i, i)
		if _, err := env.Publish("calls.requests.default", []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	<-time.After(15 * time.Minute)
	report := env.Simulator.Oracle()
	var asked time.Time
	for _, c := range report.Calls {
		for _, p := range c.Posts {
			if p.Result == fault {
				asked = p.At
			}
		}
	}
	before, during := 0, 0
	for _, c := range report.Calls {
		for _, p := range c.Posts {
			switch since := p.At.Sub(asked); {
			case since <= 0:
				before++
			// The other workers may begin calls before they know of it.
			case since > 100*time.Millisecond && since < pause-time.Second:
				during++
			}
		}
	}
	if s := report.Summary; s.Rung != requests || s.RungTwice != 0 {
		t.Errorf("%d phones rang, %d of them twice", s.Rung, s.RungTwice)
	}
	if asked.IsZero() || before < 10 || before == requests || during != 0 {
		t.Errorf("the pause was asked for at %s; %d POSTs until then, %d during it", asked, before, during)
	}
}
