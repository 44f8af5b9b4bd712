package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// ErrAckDenied says that the broker refuses our acknowledgements. It drops them
// silently: every message would come back for ever.
var ErrAckDenied = errors.New("NATS permissions forbid acknowledgements: allow publishing to $JS.ACK.>")

// ProbeAck finds out whether acknowledgements are permitted, by one at each
// consumer of the account for a message that was never delivered: it changes
// nothing.
func (c *Conn) ProbeAck(ctx context.Context, a call.Account) error {
	for _, s := range sourcesOf(ConsumerConfig{Account: a}) {
		subject := fmt.Sprintf("$JS.ACK.%s.%s.1.0.0.0.0", s.stream, s.config.Durable)
		if err := c.nc.Publish(subject, []byte("+WPI")); err != nil {
			return fmt.Errorf("probe the permission to acknowledge: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	// The broker answers in order: a refusal comes before the flush's answer.
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("probe the permission to acknowledge: %w", err)
	}
	if err := c.nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) && deniesAck(err) {
		return ErrAckDenied
	}
	if c.ackDenied.Load() {
		return ErrAckDenied
	}
	return nil
}
