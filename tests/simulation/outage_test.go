package simulation

import (
	"flag"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

var outage = flag.Duration("outage", usualOutage, "how long the provider is down")

// A provider that is down for long costs a probe now and then, and loses
// nothing.
func TestALongTimeWithoutTheProvider(t *testing.T) {
	runtime.GC()
	runtime.GC() // see simulate
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const requests = 200
		w := bubble.New(t, dir, simulator.Config{}, slog.New(slog.DiscardHandler), func(c *configs.Config) {
			c.Request.MaxAge, c.Records.Keep = 72*time.Hour, 96*time.Hour
			c.Retry.MaxAttempts = 1000
		})
		defer w.Close()
		if err := w.Simulator.PutRule(simulator.Rule{Name: "down", Fault: "service_temporarily_unavailable", Until: *outage}); err != nil {
			t.Fatal(err)
		}
		w.StartWorker("one")
		for i := range requests {
			body := fmt.Sprintf(`{"id":"day-%d","from":%q,"to":"+9198765%05d","answer_url":"https://publisher.example/%d"}`,
				i, simulator.DefaultNumber, i, i)
			if _, err := w.Publish("calls.requests.default", []byte(body), nil); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(*outage + time.Hour)
		for i := range requests {
			record, err := w.Record("default", call.ID(fmt.Sprintf("day-%d", i)))
			if err != nil || record.State != call.StatePlaced {
				t.Errorf("day-%d: %q %v", i, record.State, err)
			}
		}
		s := w.Simulator.Oracle().Summary
		if s.Rung != requests || s.RungTwice != 0 {
			t.Errorf("%d phones rang, %d of them twice", s.Rung, s.RungTwice)
		}
		t.Logf("%d POSTs for %d requests", s.Posts, requests)
	})
}
