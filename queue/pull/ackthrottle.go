package pull

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/queue"
)

const (
	// confirmEveryN is how many acknowledgements share one confirmation: few
	// enough to notice soon, and so many that it costs next to nothing.
	confirmEveryN = 16
	// maxPending is how many confirmations may be pending before accounts wait to
	// pull. A broker that keeps up has one or two.
	maxPending = 16
)

var ackBody = []byte("+ACK")

// ackThrottle keeps accounts from pulling faster than the broker works off
// acknowledgements. It takes those without an answer and does them later, each at
// a cost that grows with the consumers of the stream. With hundreds of them calls
// could go on for a while at a rate that the broker cannot keep, and then every
// request would wait, those about pauses and suspensions too. So some
// acknowledgements ask for a confirmation, and while too many are pending,
// accounts wait to pull, first come, first served.
type ackThrottle struct {
	nc       *nats.Conn
	prefix   string // of the subjects that confirmations come to
	onWaited func(time.Duration)

	sent atomic.Uint64 // acknowledgements

	mu      sync.Mutex
	pending map[string]time.Time // since when, by the confirmation's subject
	waiting []chan struct{}      // accounts, the first to come first
}

func newAckThrottle(nc *nats.Conn, onWaited func(time.Duration)) (*ackThrottle, error) {
	t := &ackThrottle{nc: nc, prefix: nc.NewInbox() + ".", onWaited: onWaited, pending: map[string]time.Time{}}
	if _, err := nc.Subscribe(t.prefix+"*", t.onConfirm); err != nil {
		return nil, fmt.Errorf("subscribe to confirmed acknowledgements: %w", err)
	}
	return t, nil
}

// ack acknowledges the message with this reply subject. It waits for no
// confirmation.
func (t *ackThrottle) ack(reply string) error {
	n := t.sent.Add(1)
	if n%confirmEveryN != 0 {
		return t.nc.Publish(reply, ackBody)
	}
	confirmation := t.prefix + strconv.FormatUint(n, 36)
	t.mu.Lock()
	t.pending[confirmation] = time.Now()
	t.mu.Unlock()
	return t.nc.PublishRequest(reply, confirmation, ackBody)
}

// onConfirm is called when the broker did an acknowledgement, or has no consumer
// for it any more. As many accounts may pull as acknowledgements share the
// confirmation; if none is pending, all of them.
func (t *ackThrottle) onConfirm(m *nats.Msg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pending, m.Subject)
	switch {
	case len(t.pending) == 0:
		t.release(len(t.waiting))
	case len(t.pending) < maxPending:
		t.release(min(confirmEveryN, len(t.waiting)))
	}
}

// release lets the first n accounts pull. The caller holds the lock.
func (t *ackThrottle) release(n int) {
	for _, next := range t.waiting[:n] {
		close(next)
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
}

// wait returns when an account may pull, after [queue.RequestTimeout] at the latest:
// nothing stands still for a confirmation that is lost.
func (t *ackThrottle) wait(ctx context.Context) {
	released := t.enqueue(time.Now())
	if released == nil {
		return
	}
	began := time.Now()
	timeout := time.NewTimer(queue.RequestTimeout)
	defer timeout.Stop()
	select {
	case <-released:
	case <-timeout.C:
		t.cancel(released)
	case <-ctx.Done():
		t.cancel(released)
	}
	if t.onWaited != nil {
		t.onWaited(time.Since(began))
	}
}

// enqueue returns what an account waits for, nil if it may pull.
func (t *ackThrottle) enqueue(now time.Time) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) < maxPending && len(t.waiting) == 0 {
		return nil
	}
	before := len(t.pending)
	maps.DeleteFunc(t.pending, func(_ string, since time.Time) bool { return now.Sub(since) >= queue.RequestTimeout })
	if len(t.pending) < min(before, maxPending) { // some were lost
		t.release(len(t.waiting))
		return nil
	}
	released := make(chan struct{})
	t.waiting = append(t.waiting, released)
	return released
}

func (t *ackThrottle) cancel(released chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(c chan struct{}) bool { return c == released })
}

// reset forgets what is pending: over a new connection no confirmation comes.
func (t *ackThrottle) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.pending)
	t.release(len(t.waiting))
}
