package queue

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// workerWithout is a server's one user, who lacks permissions.
func workerWithout(publish, subscribe []string) func(*server.Options) {
	return func(o *server.Options) {
		o.Users = []*server.User{{Username: "worker", Password: "w", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: publish},
			Subscribe: &server.SubjectPermission{Allow: []string{">"}, Deny: subscribe},
		}}}
	}
}

// TestASubscriptionIsGranted: what was refused when the connection was made is
// taken up once it is permitted.
func TestASubscriptionIsGranted(t *testing.T) {
	for _, subject := range []string{"_INBOX.>", "news.>"} {
		bubbleWith(t, workerWithout(nil, []string{subject}), func(t *testing.T, b *broker) {
			heard := 0
			must[*nats.Subscription](t)(b.NATS().Subscribe("news.*", func(*nats.Msg) { heard++ }))
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			granted := 0
			go func() {
				defer close(done)
				b.RetryDeniedSubscriptions(ctx, func(string) { granted++ })
			}()
			<-time.After(time.Minute)
			synctest.Wait()
			if granted != 0 {
				t.Errorf("%s: granted before it was", subject)
			}
			must[struct{}](t)(struct{}{}, b.Server().Reload(workerWithout(nil, nil)))
			<-time.After(time.Minute)
			b.apply() // the broker answers
			must[struct{}](t)(struct{}{}, b.NATS().Publish("news.one", nil))
			synctest.Wait()
			if heard != 1 || granted != 1 || b.NATS().Stats().Reconnects != 1 {
				t.Errorf("%s: heard %d, granted %d, connected again %d times", subject, heard, granted, b.NATS().Stats().Reconnects)
			}
			stop()
			<-done
		})
	}
}

// TestAnNKeyIsReplaced at the broker and where it is read, in either order.
func TestAnNKeyIsReplaced(t *testing.T) {
	newKey := func() (seed []byte, public string) {
		pair := must[nkeys.KeyPair](t)(nkeys.CreateUser())
		return must[[]byte](t)(pair.Seed()), must[string](t)(pair.PublicKey())
	}
	firstSeed, first := newKey()
	secondSeed, second := newKey()
	only := func(public string) func(*server.Options) {
		return func(o *server.Options) {
			o.Users = []*server.User{{Username: "worker", Password: "w"}}
			o.Nkeys = []*server.NkeyUser{{Nkey: public}}
		}
	}
	for _, fileFirst := range []bool{true, false} {
		var seed atomic.Pointer[[]byte]
		seed.Store(&firstSeed)
		read := func() (nkeys.KeyPair, error) { return nkeys.FromSeed(*seed.Load()) }
		bubbleWith(t, only(first), func(t *testing.T, b *broker) {
			c := must[*Conn](t)(Connect(ConnectOptions{
				URL: "nats://in-process", Options: []nats.Option{nats.InProcessServer(b)}, NKey: read,
			}))
			defer c.Close()
			change := []func(){
				func() { seed.Store(&secondSeed) },
				func() { must[struct{}](t)(struct{}{}, b.Server().Reload(only(second))) },
			}
			if !fileFirst {
				change[0], change[1] = change[1], change[0]
			}
			for _, next := range change {
				next()
				<-time.After(time.Minute)
			}
			if !c.NATS().IsConnected() || c.NATS().Stats().Reconnects == 0 {
				t.Errorf("file first %t: it is %s: %v", fileFirst, c.NATS().Status(), c.NATS().LastError())
			}
		})
	}
	broken := errors.New("no seed")
	if _, err := Connect(ConnectOptions{
		URL: "nats://in-process", NKey: func() (nkeys.KeyPair, error) { return nil, broken },
	}); !errors.Is(err, ErrNKey) || !errors.Is(err, broken) {
		t.Errorf("a key that cannot be read: %v", err)
	}
}
