package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// confirmEvery is how many acknowledgements stand behind one that the broker
	// is asked to confirm: few enough to notice soon, and so many that what it
	// costs is next to nothing.
	confirmEvery = 16
	// mostOwed is how many confirmations may be due before accounts wait with
	// pulling. A broker that keeps up owes one or two.
	mostOwed = 16
)

// acknowledged is what removes a message from a work queue.
var acknowledged = []byte("+ACK")

// debt is what the broker has taken in and not worked off. It takes
// acknowledgements without a word and does them later, each at a cost that grows
// with the consumers of the stream. With hundreds of them calls could go on for
// a while at a pace that it cannot keep, and then everything would wait, the
// questions about pauses and suspensions, too. So some acknowledgements ask to
// be confirmed, and while too many confirmations are due, accounts wait with
// pulling and go on first come, first served.
type debt struct {
	nc     *nats.Conn
	prefix string // of the subjects that confirmations come to
	waited func(time.Duration)

	sent atomic.Uint64 // acknowledgements

	mu      sync.Mutex
	owed    map[string]time.Time // since when, by the subject of the confirmation
	waiting []chan struct{}      // accounts, the first to come first
}

func newDebt(nc *nats.Conn, waited func(time.Duration)) (*debt, error) {
	d := &debt{nc: nc, prefix: nc.NewInbox() + ".", waited: waited, owed: map[string]time.Time{}}
	if _, err := nc.Subscribe(d.prefix+"*", d.confirmed); err != nil {
		return nil, fmt.Errorf("subscribe to confirmed acknowledgements: %w", err)
	}
	return d, nil
}

// ack acknowledges the message that came with this reply subject. That the
// broker confirms it is not waited for here.
func (d *debt) ack(message string) error {
	n := d.sent.Add(1)
	if n%confirmEvery != 0 {
		return d.nc.Publish(message, acknowledged)
	}
	confirmation := d.prefix + strconv.FormatUint(n, 36)
	d.mu.Lock()
	d.owed[confirmation] = time.Now()
	d.mu.Unlock()
	return d.nc.PublishRequest(message, confirmation, acknowledged)
}

// confirmed hears that the broker came to an acknowledgement, or that nobody is
// there for it any more. As many accounts may pull as acknowledgements stand
// behind it; if nothing more is due, all of them.
func (d *debt) confirmed(m *nats.Msg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.owed, m.Subject)
	switch {
	case len(d.owed) == 0:
		d.admit(len(d.waiting))
	case len(d.owed) < mostOwed:
		d.admit(min(confirmEvery, len(d.waiting)))
	}
}

// admit lets the first n go on. The caller holds the lock.
func (d *debt) admit(n int) {
	for _, next := range d.waiting[:n] {
		close(next)
	}
	d.waiting = slices.Delete(d.waiting, 0, n)
}

// wait returns when there may be pulled. It does so after RequestTimeout at the
// latest: an answer can get lost, and then nothing may stand still for it.
func (d *debt) wait(ctx context.Context) {
	next := d.lineUp(time.Now())
	if next == nil {
		return
	}
	began := time.Now()
	patience := time.NewTimer(RequestTimeout)
	defer patience.Stop()
	select {
	case <-next:
	case <-patience.C:
		d.leave(next)
	case <-ctx.Done():
		d.leave(next)
	}
	d.waited(time.Since(began))
}

// lineUp gives what an account has to wait for, nil if it need not.
func (d *debt) lineUp(now time.Time) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.owed) < mostOwed && len(d.waiting) == 0 {
		return nil
	}
	if d.forget(now) && len(d.owed) < mostOwed {
		d.admit(len(d.waiting))
		return nil
	}
	next := make(chan struct{})
	d.waiting = append(d.waiting, next)
	return next
}

// forget gives up what has been due for too long, and reports whether there was
// any. The caller holds the lock.
func (d *debt) forget(now time.Time) (some bool) {
	for confirmation, since := range d.owed {
		if now.Sub(since) >= RequestTimeout {
			delete(d.owed, confirmation)
			some = true
		}
	}
	return some
}

func (d *debt) leave(next chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.waiting, next); i >= 0 {
		d.waiting = slices.Delete(d.waiting, i, i+1)
	}
}

// reconnected forgets what the broker owed: it does not come any more.
func (d *debt) reconnected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.owed)
	d.admit(len(d.waiting))
}
