package adversarial

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
)

// honestCalls is how many calls the honest publisher asks for, one a second: what the
// other does falls between them.
const honestCalls = 120

// TestAnAttackerAffectsNoOtherPublisher lives through the same two minutes twice:
// with the honest publisher alone, and with the hostile one beside it.
func TestAnAttackerAffectsNoOtherPublisher(t *testing.T) {
	alone := measureWaits(t, nil)
	beside := measureWaits(t, func(t *testing.T, p *publisher) {
		p.tryHeaders(t)
		p.trySubjects(t)
		p.tryBodies(t)
		replies := p.tryReplies(t)
		p.flood(t)
		sleep(5 * time.Minute)
		p.confirm(t, replies)
	})
	for i := range honestCalls {
		if alone[i] != beside[i] {
			t.Errorf("call %d was dialled %s after it was published, and %s beside a hostile publisher", i, alone[i], beside[i])
		}
	}
}

// measureWaits returns how long each of the honest publisher's calls waited for its POST.
func measureWaits(t *testing.T, attack func(*testing.T, *publisher)) []time.Duration {
	t.Helper()
	var waits []time.Duration
	inBubble(t, nil, func(t *testing.T, env *environment) {
		good := env.connect(honest)
		defer good.nc.Close()
		bad := env.connect(attacker)
		defer bad.nc.Close()
		overreceived := bad.listen(t)
		before := env.streams(t)

		attacked := make(chan struct{})
		go func() {
			defer close(attacked)
			if attack != nil {
				attack(t, bad)
			}
		}()
		asked := make([]time.Time, honestCalls)
		for i := range honestCalls {
			asked[i] = time.Now()
			good.publish(t, good.body(honestID(i), honestCallee(i)))
			sleep(time.Second)
		}
		<-attacked
		env.awaitIdle(t)
		after := env.streams(t)
		for what := range before {
			if before[what] != after[what] {
				t.Errorf("%s: it was %s and is %s", what, before[what], after[what])
			}
		}

		if attack != nil {
			bad.confirmOwnQueue(t)
		}
		report := reconcile.Check(env.evidence(good))
		for _, c := range append(report.Discrepancies, reconcile.Check(env.evidence(bad)).Discrepancies...) {
			t.Error(c)
		}
		if report.Placed != honestCalls || report.DeadLetters()+report.Unknown+report.Duplicates+len(report.RungTwice) > 0 {
			t.Errorf("of %d honest calls: %+v", honestCalls, report)
		}
		if twice := reconcile.Check(env.evidence(bad)).RungTwice; len(twice) > 0 {
			t.Errorf("the hostile publisher's own calls rang twice: %s", twice)
		}
		if refused := env.log.ofWorkers(); len(refused) > 0 {
			t.Errorf("a worker was refused: %s", refused)
		}
		for _, subject := range overreceived() {
			t.Errorf("the hostile publisher read a request of the other at %s", subject)
		}
		for i := range honestCalls {
			posts := env.Simulator.Call(simulatorIdentity(honest, i)).Posts
			if len(posts) != 1 {
				t.Errorf("honest call %d was dialled %d times", i, len(posts))
				continue
			}
			waits = append(waits, posts[0].At.Sub(asked[i]))
		}
	})
	return waits
}

// listen subscribes to whatever it may, and returns where the honest publisher's
// requests came by. (Its own come by, and what it sent astray.)
func (p *publisher) listen(t *testing.T) func() []string {
	t.Helper()
	var received []string
	sub, err := p.nc.Subscribe(">", func(m *nats.Msg) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if strings.Contains(string(m.Data), answerURL(honest, "honest-")) {
			received = append(received, m.Subject)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		_ = sub.Unsubscribe()
		p.mu.Lock()
		defer p.mu.Unlock()
		return received
	}
}

// confirm finds the messages whose confirmation went elsewhere. They are requests
// of the account like any other.
func (p *publisher) confirm(t *testing.T, ids []string) {
	t.Helper()
	for _, id := range ids {
		r, err := p.w.Record(call.Account(p.account), call.ID(id))
		if err != nil || r.State != call.StatePlaced {
			t.Errorf("the request %s with a reply is %s, %v", id, r.State, err)
			continue
		}
		p.published = append(p.published, reconcile.Published{Name: id, OriginKey: r.Origin.Key(), Body: r.Request})
	}
}

// confirmOwnQueue finds the confirmation that went to another queue of the publisher's
// own. It is a request that cannot be read, as if it had been published there.
func (p *publisher) confirmOwnQueue(t *testing.T) {
	t.Helper()
	for _, l := range p.w.evidence(p).DeadLetters {
		if strings.HasPrefix(l.OriginKey, queue.StreamUrgent) && l.Reason == call.Malformed {
			p.published = append(p.published, reconcile.Published{Name: "a confirmation", OriginKey: l.OriginKey, Body: []byte(`{"stream":"CALLS"}`)})
			return
		}
	}
	t.Error("the confirmation that was to go to the publisher's own queue did not")
}

// flood is a publisher that does not stop: new calls, one id over and over,
// rubbish, and subjects of its invention.
func (p *publisher) flood(t *testing.T) {
	t.Helper()
	js, err := jetstream.New(p.nc)
	if err != nil {
		t.Fatal(err)
	}
	subject := "calls.requests." + p.account
	for i := range flooded {
		m := &nats.Msg{Subject: subject, Data: p.body("flood", callee(50))}
		switch i % 10 {
		case 0:
			m.Data = p.body(fmt.Sprintf("flood-%d", i), callee(i))
		case 1:
			m.Data = []byte("{")
		case 2:
			m.Subject = subject + "." + string(call.Priorities()[i/10%3])
		case 3:
			m.Header = nats.Header{"Nats-Msg-Id": {fmt.Sprintf("flood-id-%d", i)}}
			m.Data = fmt.Appendf(nil, `{"from":%q,"to":%q}`, callerID[p.account], callee(i))
		}
		ack, err := js.PublishMsg(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		p.published = append(p.published, reconcile.Published{
			Name: fmt.Sprintf("flood %d", i), OriginKey: reconcile.OriginKey(ack), Body: m.Data, MessageID: m.Header.Get(nats.MsgIdHdr),
		})
	}
}

// streams are what no publisher may change: which streams there are, with which
// settings, the flags, and who consumes.
func (env *environment) streams(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	list := env.Conn.JetStream().ListStreams(t.Context())
	for info := range list.Info() {
		config, err := json.Marshal(info.Config)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Config.Name] = fmt.Sprintf("%s, made %s", config, info.Created)
		s, err := env.Conn.JetStream().Stream(t.Context(), info.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		names := s.ConsumerNames(t.Context())
		var durable []string
		for name := range names.Name() {
			durable = append(durable, name)
		}
		if info.Config.Name != "KV_"+"CALL_CONTROL" {
			slices.Sort(durable)
			all[info.Config.Name+" consumers"] = fmt.Sprint(durable)
		}
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	kv, err := env.Conn.JetStream().KeyValue(t.Context(), "CALL_CONTROL")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := kv.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	all["flags"] = fmt.Sprint(keys)
	return all
}
