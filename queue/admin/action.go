package admin

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

const (
	actionPrefix = "calls.operated." // and the account, and the action
	actionGroup  = "workers"
)

// publishAction reports an action to the workers, for their metrics. No stream
// stores it: one worker of the account counts it, or none if none runs. The action
// holds without it, so that an error is ignored.
func (o *Operator) publishAction(a call.Account, action call.OperatorAction) {
	_ = o.conn.NATS().Publish(actionPrefix+string(a)+"."+string(action), nil)
}

// ListenActions calls onAction with what operators do with calls of the account,
// until ctx ends. Each action is received by one of the workers that listen.
// onAction must not block.
func ListenActions(ctx context.Context, conn *queue.Conn, a call.Account, onAction func(call.OperatorAction)) error {
	prefix := actionPrefix + string(a) + "."
	s, err := conn.NATS().QueueSubscribe(prefix+"*", actionGroup, func(m *nats.Msg) {
		onAction(call.OperatorAction(strings.TrimPrefix(m.Subject, prefix)))
	})
	if err != nil {
		return fmt.Errorf("subscribe to operator actions: %w", err)
	}
	<-ctx.Done()
	_ = s.Unsubscribe() // fails if the connection is closed, which ends it too
	return nil
}
