package pull

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// workerWithout is a server's one user, who lacks the permission to publish to
// these subjects.
func workerWithout(publish ...string) func(*server.Options) {
	return func(o *server.Options) {
		o.Users = []*server.User{{Username: "worker", Password: "w", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: publish},
			Subscribe: &server.SubjectPermission{Allow: []string{">"}},
		}}}
	}
}

func TestCheckAckPermission(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		consumers := newConsumers(b)
		check := func() error { return consumers.CheckAckPermission(t.Context(), "acme") }
		for range 2 {
			if err := check(); err != nil {
				t.Error(err)
			}
		}
		// It acknowledges nothing.
		b.Publish("calls.requests.acme", "{}")
		came := run(b, bind(b, consumers), always(1))
		m := <-came
		if err := check(); err != nil {
			t.Error(err)
		}
		b.WantSubjects(queue.StreamCalls, "calls.requests.acme.normal")
		if err := m.Ack(); err != nil {
			t.Error(err)
		}
		b.Stop()
		if err := check(); err == nil || errors.Is(err, ErrAckDenied) {
			t.Errorf("a broker that is down: %v", err)
		}
	})
}

// TestCheckWithoutAckPermission reports it, also where it is missing for one stream
// alone.
func TestCheckWithoutAckPermission(t *testing.T) {
	for _, denied := range []string{"CALLS_URGENT.>", "CALLS.>", "CALLS_BULK.>", "CALLS_PARKED.>", ">"} {
		queuetest.RunWith(t, workerWithout("$JS.ACK."+denied), func(t *testing.T, b *queuetest.Broker) {
			b.Apply()
			err := newConsumers(b).CheckAckPermission(t.Context(), "acme")
			if !errors.Is(err, ErrAckDenied) || !strings.Contains(err.Error(), "$JS.ACK") {
				t.Errorf("without %q: %v", denied, err)
			}
		})
	}
}

// TestAckPermissionIsGranted: acknowledgements are found to be permitted over the
// connection that was there before.
func TestAckPermissionIsGranted(t *testing.T) {
	queuetest.RunWith(t, workerWithout("$JS.ACK.>"), func(t *testing.T, b *queuetest.Broker) {
		b.Apply()
		consumers := newConsumers(b)
		check := func() error { return consumers.CheckAckPermission(t.Context(), "acme", "globex") }
		reload := func(denied ...string) {
			if err := b.Server().Reload(workerWithout(denied...)); err != nil {
				t.Fatal(err)
			}
		}
		if err := check(); !errors.Is(err, ErrAckDenied) {
			t.Fatalf("without the permission: %v", err)
		}
		reload()
		if err := check(); err != nil {
			t.Errorf("with the permission: %v", err)
		}
		reload("$JS.ACK.CALLS.new-globex_normal.>")
		if err := check(); !errors.Is(err, ErrAckDenied) {
			t.Errorf("without one of them: %v", err)
		}
		if n := b.NATS().Stats().Reconnects; n != 0 {
			t.Errorf("it connected again %d times", n)
		}
	})
}
