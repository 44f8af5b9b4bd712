package bubble_test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

func TestHoursPassInABubble(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	synctest.Test(t, func(t *testing.T) {
		w := bubble.New(t, dir, simulator.Config{}, log, nil)
		defer w.Close()
		w.StartWorker("one")
		<-time.After(time.Second)
		later := time.Now().Add(4 * time.Hour).UTC().Format(time.RFC3339)
		for i := range 50 {
			body := fmt.Sprintf(`{"id":"call-%d","from":%q,"to":"+9198765%05d","answer_url":"https://publisher.example/a","not_before":%q}`,
				i, simulator.DefaultNumber, i, later)
			if _, err := w.Publish("calls.requests.default", []byte(body), nil); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * time.Hour)
		w.StopBroker()
		<-time.After(time.Minute)
		w.StartBroker()
		<-time.After(time.Hour)
		if s := w.Simulator.Oracle().Summary; s.Posts != 0 {
			t.Fatalf("%d POSTs before not_before", s.Posts)
		}
		<-time.After(2 * time.Hour)
		for i := range 50 {
			record, err := w.Record("default", call.ID(fmt.Sprintf("call-%d", i)))
			if err != nil || record.State != call.StatePlaced {
				t.Errorf("call-%d: %v %v", i, record.State, err)
			}
		}
		if s := w.Simulator.Oracle().Summary; s.Rung != 50 || s.RungTwice != 0 {
			t.Errorf("%+v", s)
		}
	})
}
