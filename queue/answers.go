package queue

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// answers is where the broker's answers to publishes of ours arrive: one
// subscription for as long as the connection lives.
//
// No two publishes share a subject to be answered at. A late answer to a
// publish that was given up is nobody's; it could be taken for the
// confirmation of another claim otherwise.
type answers struct {
	nc     *nats.Conn
	prefix string

	mu      sync.Mutex
	serial  uint64
	awaited map[string]*waiter // by subject
	free    []*waiter
}

// waiter waits for one answer after another.
type waiter struct {
	answer chan *nats.Msg // holds one
	timer  *time.Timer
}

func newAnswers(nc *nats.Conn) (*answers, error) {
	a := &answers{nc: nc, prefix: nc.NewInbox() + ".", awaited: map[string]*waiter{}}
	if _, err := nc.Subscribe(a.prefix+"*", a.arrive); err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	return a, nil
}

// ask publishes a message and gives the answer to it. It waits for requestTimeout
// at most. The error is errMoved if the message may have gone over another
// connection than the one that is asked for.
func (a *answers) ask(ctx context.Context, over connection, m *nats.Msg) (*nats.Msg, error) {
	w := a.await(m)
	if err := a.nc.PublishMsg(m); err != nil {
		a.giveUp(m)
		return nil, err
	}
	if over != anyConnection && over != connectionOf(a.nc) {
		a.giveUp(m)
		w.timer.Stop()
		return nil, errMoved
	}
	select {
	case answer := <-w.answer:
		w.timer.Stop()
		a.release(w)
		return answer, nil
	case <-ctx.Done():
		a.giveUp(m)
		w.timer.Stop()
		return nil, context.Cause(ctx)
	case <-w.timer.C:
		a.giveUp(m)
		return nil, context.DeadlineExceeded
	}
}

// await has somebody wait for the answer to a message.
func (a *answers) await(m *nats.Msg) *waiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	m.Reply = a.prefix + strconv.FormatUint(a.serial, 36)
	var w *waiter
	if n := len(a.free); n > 0 {
		w, a.free = a.free[n-1], a.free[:n-1]
		w.timer.Reset(requestTimeout)
	} else {
		w = &waiter{answer: make(chan *nats.Msg, 1), timer: time.NewTimer(requestTimeout)}
	}
	a.awaited[m.Reply] = w
	return w
}

// release keeps a waiter whose answer came: nothing else is sent to it.
func (a *answers) release(w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, w)
}

// giveUp forgets a publish. Its waiter is not used again, for the answer may be
// on its way to it.
func (a *answers) giveUp(m *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.awaited, m.Reply)
}

func (a *answers) arrive(answer *nats.Msg) {
	a.mu.Lock()
	w := a.awaited[answer.Subject]
	delete(a.awaited, answer.Subject)
	a.mu.Unlock()
	if w != nil {
		w.answer <- answer
	}
}
