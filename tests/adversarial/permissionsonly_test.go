package adversarial

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// TestPermissionsAloneDoNotBindAPublisher shows why every publisher has a NATS
// account of its own. The broker confirms a message at the reply subject that its
// publisher named, and does not check whether the publisher may publish there. If
// this test fails, the broker has learnt better, and docs/permissions.md may be
// simpler.
func TestPermissionsAloneDoNotBindAPublisher(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		good, bad := env.connect(honest), env.connect(insider)
		defer good.nc.Close()
		defer bad.nc.Close()
		good.publish(t, good.body("a", honestCallee(0)))
		sleep(time.Second)
		if r, err := env.Record(honest, "a"); err != nil || r.State != call.StatePlaced {
			t.Fatalf("it is %s, %v", r.State, err)
		}
		if err := bad.nc.Publish("calls.records."+honest+".a", []byte("x")); err != nil {
			t.Fatal(err)
		}
		sleep(time.Second)
		if _, err := env.Record(honest, "a"); err != nil {
			t.Fatalf("without the permission to, it wrote a record: %v", err)
		}
		if err := bad.nc.PublishMsg(&nats.Msg{
			Subject: "calls.requests." + attacker, Reply: "calls.records." + honest + ".a", Data: []byte("{}"),
		}); err != nil {
			t.Fatal(err)
		}
		sleep(time.Second)
		if r, err := env.Record(honest, "a"); err == nil {
			t.Errorf("the record is still whole: %s", r.State)
		}
	})
}

// TestTheDuplicateWindowIsShared by all publishers, for the tenth of a second
// that is the least the broker allows. Whoever puts the id into the payload is
// not touched by it; a publisher that sets the header gets an error.
func TestTheDuplicateWindowIsShared(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		good, bad := env.connect(honest), env.connect(attacker)
		defer good.nc.Close()
		defer bad.nc.Close()
		header := nats.Header{nats.MsgIdHdr: {"order-1"}}
		if err := bad.try("calls.requests."+attacker, []byte("{}"), header); err != nil {
			t.Fatal(err)
		}
		good.publish(t, good.body("order-1", honestCallee(0)))
		unnamed := good.body("", honestCallee(1))
		if err := good.try("calls.requests."+honest, unnamed, header); !errors.Is(err, errForgotten) {
			t.Errorf("an id that another has just used: %v", err)
		}
		sleep(time.Second)
		if err := good.try("calls.requests."+honest, unnamed, header); err != nil {
			t.Errorf("a second later: %v", err)
		}
		sleep(time.Second)
		if r, err := env.Record(honest, "order-1"); err != nil || r.State != call.StatePlaced {
			t.Errorf("the call with its id in the payload is %s, %v", r.State, err)
		}
	})
}
