package pull

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// Message is one message that a worker was handed. The worker acknowledges it or
// hands it back; one that it does neither to comes again after AckWait.
type Message struct {
	call.Delivery
	msg      *nats.Msg
	throttle *ackThrottle
}

// Ack removes the message from its stream. It does not wait until the broker did
// so: if the acknowledgement is lost, the message comes back, and its record then
// says that there is nothing left to do.
func (m *Message) Ack() error {
	if err := m.throttle.ack(m.msg.Reply); err != nil {
		return fmt.Errorf("acknowledge a message: %w", err)
	}
	return nil
}

// Nak hands the message back, to be delivered again after the delay.
func (m *Message) Nak(delay time.Duration) error {
	err := m.msg.NakWithDelay(max(delay, 0))
	if err != nil {
		return fmt.Errorf("hand a message back: %w", err)
	}
	return nil
}
