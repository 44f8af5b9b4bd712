package queue_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
)

// TestAPasswordThatIsWrongForAWhile does not close the connection for good: it
// was changed at the broker first.
func TestAPasswordThatIsWrongForAWhile(t *testing.T) {
	dir, port := t.TempDir(), embedded.LastingPort()
	start := func(password string) *embedded.Server {
		t.Helper()
		s, err := embedded.Start(embedded.Options{Dir: dir, Port: port, Listen: true, Configure: func(o *server.Options) {
			o.Users = []*server.User{{Username: "worker", Password: password}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start("right")
	up, refused := make(chan struct{}, 8), make(chan struct{}, 100)
	c, err := queue.Connect(queue.ConnectOptions{
		URL: s.ClientURL(), Name: "test",
		Options: []nats.Option{
			nats.UserInfo("worker", "right"),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { refused <- struct{}{} }),
		},
		OnConnectionChange: func(is bool, _ error) {
			if is {
				up <- struct{}{}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-up
	s.Stop()
	s = start("another")
	within := func(what string, happened <-chan struct{}) {
		t.Helper()
		select {
		case <-happened:
		case <-time.After(time.Minute):
			t.Fatalf("waited too long until %s; it is %s", what, c.NATS().Status())
		}
	}
	for range 3 {
		within("the connection is refused", refused)
	}
	s.Stop()
	s = start("right")
	defer s.Stop()
	within("it is there again", up)
}
