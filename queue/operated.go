package queue

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

const (
	operatedPrefix = "calls.operated." // and the account, and what was done
	operatedGroup  = "workers"
)

// report publishes what was done with a call, for the workers' metrics. No stream
// stores it: one worker of the account counts it, or none if none runs. What was
// done holds without it, so that a failure is not the operator's concern.
func (o *Operator) report(a call.Account, action call.OperatorAction) {
	_ = o.conn.nc.Publish(operatedPrefix+string(a)+"."+string(action), nil)
}

// ListenOperatorActions calls heard with what operators do with calls of the account,
// until ctx ends. Each action is received by one of the workers that listen.
// heard must not block.
func (c *Conn) ListenOperatorActions(ctx context.Context, a call.Account, heard func(call.OperatorAction)) error {
	prefix := operatedPrefix + string(a) + "."
	s, err := c.nc.QueueSubscribe(prefix+"*", operatedGroup, func(m *nats.Msg) {
		heard(call.OperatorAction(strings.TrimPrefix(m.Subject, prefix)))
	})
	if err != nil {
		return fmt.Errorf("subscribe to what operators do: %w", err)
	}
	<-ctx.Done()
	_ = s.Unsubscribe() // fails if the connection is closed, which ends it too
	return nil
}
