package pull

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestParkedCallsComeBackAtTheirTime and not before, with their record and its
// version.
func TestParkedCallsComeBackAtTheirTime(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		for i, fraction := range []time.Duration{0, 300 * time.Millisecond, 999 * time.Millisecond, 123456789 * time.Nanosecond} {
			next := time.Now().Truncate(time.Second).Add(10*time.Second + fraction)
			r := queuetest.Waiting(t, call.ID("call-"+string(rune('a'+i))), next)
			r.Priority, r.Trace = call.Urgent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
			v := call.Version{Created: time.Now().UTC().Round(0), Sequence: uint64(40 + i)}
			if err := b.NewScheduler().Schedule(t.Context(), r, v); err != nil {
				t.Fatal(err)
			}
			m := <-came
			if late := time.Since(next); late < 0 || late > time.Second {
				t.Errorf("it came back %s after its time", late)
			}
			if m.Due == nil || m.Due.Record.ID != r.ID || m.Due.Record.Digest != r.Digest || m.Due.Version != v || m.Account != "acme" ||
				m.Priority != call.Urgent || m.Trace != r.Trace || !m.Origin.Same(r.Origin) {
				t.Errorf("it came back as %+v", m.Delivery)
			}
			if err := m.Ack(); err != nil {
				t.Error(err)
			}
		}
		<-time.After(time.Second)
		b.WantSubjects(queue.StreamParked)
	})
}

// TestParkingAgainReplaces the schedule, to earlier and to later.
func TestParkingAgainReplaces(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		park := func(after time.Duration, v uint64) {
			if err := b.NewScheduler().Schedule(t.Context(), queuetest.Waiting(t, "a", time.Now().Add(after)), call.Version{Created: time.Now(), Sequence: v}); err != nil {
				t.Fatal(err)
			}
		}
		for _, times := range [][2]time.Duration{{time.Minute, 2 * time.Minute}, {2 * time.Minute, time.Minute}} {
			start := time.Now()
			park(times[0], 1)
			park(times[1], 2)
			b.WantSubjects(queue.StreamParked, "calls.parked.acme.a")
			m := <-came
			if waited := time.Since(start); waited < times[1] || waited > times[1]+time.Second || m.Due.Version.Sequence != 2 {
				t.Errorf("version %d came back after %s", m.Due.Version.Sequence, waited)
			}
			_ = m.Ack()
			<-time.After(5 * time.Minute)
			if len(came) > 0 {
				t.Error("it came back twice")
			}
		}
	})
}

func TestParkingInThePastFiresAtOnce(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		start := time.Now()
		if err := b.NewScheduler().Schedule(t.Context(), queuetest.Waiting(t, "a", start.Add(-time.Hour)), call.Version{}); err != nil {
			t.Fatal(err)
		}
		<-came
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("it came after %s", waited)
		}
	})
}

func TestUnpark(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		p := b.NewScheduler()
		for _, id := range []call.ID{"a", "ab"} {
			if err := p.Schedule(t.Context(), queuetest.Waiting(t, id, time.Now().Add(time.Minute)), call.Version{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Cancel(t.Context(), "acme", "a"); err != nil {
			t.Fatal(err)
		}
		m := <-came
		if m.Due.Record.ID != "ab" {
			t.Errorf("%s came back", m.Due.Record.ID)
		}
		_ = m.Ack()
		<-time.After(time.Hour)
		if len(came) > 0 {
			t.Error("what was taken out came back")
		}
	})
}

// TestSchedulesSurviveARestart of the broker, also over their time.
func TestSchedulesSurviveARestart(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		for id, after := range map[call.ID]time.Duration{"before": 30 * time.Second, "after": 10 * time.Minute} {
			if err := b.NewScheduler().Schedule(t.Context(), queuetest.Waiting(t, id, time.Now().Add(after)), call.Version{}); err != nil {
				t.Fatal(err)
			}
		}
		b.Stop()
		<-time.After(time.Minute)
		b.Start()
		for _, want := range []call.ID{"before", "after"} {
			m := <-came
			if m.Due.Record.ID != want {
				t.Errorf("%s came back, want %s", m.Due.Record.ID, want)
			}
			_ = m.Ack()
		}
	})
}

// TestWhatPublishersCannotForge puts our headers, and the broker's, on a
// request.
func TestWhatPublishersCannotForge(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		forged := brokertest.Must[[]byte](t)(queuetest.Waiting(t, "victim", time.Now()).Encode())
		b.Publish("calls.requests.acme", string(forged),
			"Ringonce-Record", fmt.Sprintf("%d/1", time.Now().UnixNano()),
			"Ringonce-Id", "victim", "Ringonce-Account", "globex", "Ringonce-Origin", "1", "Ringonce-Published", "2000-01-01T00:00:00Z",
			"traceparent", "not one", "Nats-Msg-Id", "mine")
		m := <-came
		if m.Due != nil || m.Account != "acme" || m.MessageID != "mine" || m.Trace != "" || !bytes.Equal(m.Body, forged) || m.Origin.Sequence != 1 ||
			time.Since(m.Origin.Published) > time.Minute {
			t.Errorf("it came as %+v", m.Delivery)
		}
		for _, header := range [][2]string{
			{"Nats-Schedule", "@at 2000-01-02T00:00:00Z"}, {"Nats-Rollup", "all"}, {"Nats-Rollup", "sub"}, {"Nats-TTL", "1s"},
		} {
			msg := &nats.Msg{Subject: "calls.requests.acme", Header: nats.Header{header[0]: {header[1]}, "Nats-Schedule-Target": {"calls.requests.globex"}}}
			if _, err := b.JetStream().PublishMsg(t.Context(), msg); err == nil {
				t.Errorf("%s was taken", header[0])
			}
		}
		synctest.Wait()
		b.WantSubjects(queue.StreamCalls, "calls.requests.acme.normal")
	})
}

// TestADueCallThatCannotBeRead is handed back for a worker that can.
func TestADueCallThatCannotBeRead(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(10))
		good := queuetest.Waiting(t, "a", time.Now())
		data := brokertest.Must[[]byte](t)(good.Encode())
		version := fmt.Sprintf("%d/1", time.Now().UnixNano())
		b.Publish("calls.due.acme.normal", `{"format":2}`, "Ringonce-Record", version)
		b.Publish("calls.due.acme.normal", string(data))
		b.Publish("calls.due.acme.normal", string(data), "Ringonce-Record", "garbage")
		b.Publish("calls.due.acme.normal", string(bytes.ReplaceAll(data, []byte("acme"), []byte("evil"))), "Ringonce-Record", version)
		<-time.After(10 * time.Minute)
		if len(came) > 0 {
			t.Errorf("%+v came", (<-came).Delivery)
		}
		if n := len(brokertest.Subjects(t, b.JetStream(), queue.StreamParked)); n != 4 {
			t.Errorf("%d are left of 4", n)
		}
	})
}
