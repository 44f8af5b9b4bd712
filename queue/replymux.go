package queue

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// replyMux sends messages once and hands each broker's reply to its sender, over
// one subscription for as long as the connection lives.
//
// The client's own publish would send a claim again, and does not show over which
// connection it went.
type replyMux struct {
	nc     *nats.Conn
	prefix string

	mu        sync.Mutex
	lastReply uint64
	waiting   map[string]chan<- *nats.Msg // by the subject of the reply
}

func newReplyMux(nc *nats.Conn) (*replyMux, error) {
	r := &replyMux{nc: nc, prefix: nc.NewInbox() + ".", waiting: map[string]chan<- *nats.Msg{}}
	if _, err := nc.Subscribe(r.prefix+"*", r.deliver); err != nil {
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	return r, nil
}

func (r *replyMux) deliver(reply *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if waiter := r.waiting[reply.Subject]; waiter != nil {
		delete(r.waiting, reply.Subject) // it has room for one
		waiter <- reply
	}
}

// register returns where the reply to m will arrive. No two messages share a reply
// subject: a late reply to one that was given up could be taken for the confirmation
// of another claim.
func (r *replyMux) register(m *nats.Msg) <-chan *nats.Msg {
	waiter := make(chan *nats.Msg, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastReply++
	m.Reply = r.prefix + strconv.FormatUint(r.lastReply, 36)
	r.waiting[m.Reply] = waiter
	return waiter
}

func (r *replyMux) cancel(m *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, m.Reply)
}

// request publishes a message once and returns the reply, within RequestTimeout. The
// error is ErrReconnected if the message may have gone over another connection than
// the one that is asked for.
func (r *replyMux) request(ctx context.Context, g Generation, m *nats.Msg) (*nats.Msg, error) {
	reply := r.register(m)
	defer r.cancel(m)
	if err := r.nc.PublishMsg(m); err != nil {
		return nil, err
	}
	if g != anyGeneration && g != generationOf(r.nc) {
		return nil, ErrReconnected
	}
	timeout := time.NewTimer(RequestTimeout)
	defer timeout.Stop()
	select {
	case m := <-reply:
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-timeout.C:
		return nil, context.DeadlineExceeded
	}
}
