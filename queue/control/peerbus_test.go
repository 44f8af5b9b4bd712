package control

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// listen collects what the peers of an account tell until the test ends.
func listen(t *testing.T, p *PeerBus, a call.Account) (heard func() []call.PeerEvent) {
	t.Helper()
	var mu sync.Mutex
	var all []call.PeerEvent
	ctx, stop := context.WithCancel(t.Context())
	var listening sync.WaitGroup
	listening.Go(func() {
		if err := p.Listen(ctx, a, func(f call.PeerEvent) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, f)
		}); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		listening.Wait()
	})
	synctest.Wait()
	return func() []call.PeerEvent {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func TestPeerEventsReachTheOtherWorkers(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		one, two := NewPeerBus(b.Conn), NewPeerBus(b.Conn)
		heard, itself, other := listen(t, two, "acme"), listen(t, one, "acme"), listen(t, two, "other")
		for _, f := range []call.PeerEvent{
			{Kind: call.ProbeStarted},
			{Kind: call.Throttled, Delay: 90 * time.Second, Reason: call.Capacity},
			{Kind: call.Throttled, Delay: 30 * time.Hour}, // believed up to an hour
		} {
			if err := one.Notify("acme", f); err != nil {
				t.Error(err)
			}
		}
		got := heard()
		if len(got) != 3 || got[0] != (call.PeerEvent{Kind: call.ProbeStarted}) ||
			got[1] != (call.PeerEvent{Kind: call.Throttled, Delay: 90 * time.Second, Reason: call.Capacity}) || got[2].Delay != time.Hour {
			t.Errorf("heard %v", got)
		}
		if n := len(itself()) + len(other()); n != 0 {
			t.Errorf("%d findings were heard by who told them, or for another account", n)
		}
		// Nobody's message is a reason to stop.
		for _, bad := range []string{"", "{", `{"kind":"throttled","delay_ms":-1}`, `{"kind":7}`, string(make([]byte, 2000))} {
			if err := b.NATS().Publish("calls.peers.acme", []byte(bad)); err != nil {
				t.Error(err)
			}
		}
		if n := len(heard()); n != 3 {
			t.Errorf("%d findings of messages that are none", n-3)
		}
	})
}

// TestPeerEventsWithoutPermission find out by themselves, and do not fail.
func TestPeerEventsWithoutPermission(t *testing.T) {
	queuetest.RunWith(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "worker", Password: "w", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"calls.peers.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"calls.peers.>"}},
		}}}
	}, func(t *testing.T, b *queuetest.Broker) {
		heard := listen(t, NewPeerBus(b.Conn), "acme")
		if err := NewPeerBus(b.Conn).Notify("acme", call.PeerEvent{Kind: call.ProbeSucceeded}); err != nil {
			t.Error(err)
		}
		if n := len(heard()); n != 0 {
			t.Errorf("heard %d", n)
		}
		b.Apply() // the connection still works
	})
}
