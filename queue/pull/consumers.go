package pull

import (
	"time"

	"github.com/ringonce/ringonce/queue"
)

// maxBinding is how many accounts are bound at a time: enough to keep the broker
// busy, and few enough for it to answer each in time.
const maxBinding = 8

// Options configure [Consumers].
type Options struct {
	// OnAckDenied, if any, is called when the broker refuses an acknowledgement:
	// it drops those silently, and their messages come back for ever.
	OnAckDenied func()
	// OnAckBackpressure, if any, is called with how long an account did not pull
	// because the broker was behind with acknowledgements.
	OnAckBackpressure func(time.Duration)
}

// Consumers makes the consumers of one connection and holds what they share.
type Consumers struct {
	conn     *queue.Conn
	throttle *ackThrottle
	acks     ackPermission
	binding  chan struct{} // holds a token for each account that is being bound
}

// NewConsumers returns the consumers of a connection.
func NewConsumers(conn *queue.Conn, o Options) (*Consumers, error) {
	throttle, err := newAckThrottle(conn.NATS(), o.OnAckBackpressure)
	if err != nil {
		return nil, err
	}
	c := &Consumers{conn: conn, throttle: throttle, binding: make(chan struct{}, maxBinding)}
	conn.OnPublishDenied(func(subject string) { c.acks.onDenied(subject, o.OnAckDenied) })
	conn.OnReconnect(func() {
		c.acks.denied.Store(false) // permissions may be others now
		throttle.reset()
	})
	return c, nil
}
