package pull

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/queue"
)

const (
	// idleGrace is how long buffered messages are kept while no call may be
	// dialled: long enough to reserve a rate slot, and short beside the time
	// between two slots of all workers together at a limit that is felt. If it
	// were longer than that, a message could go on and on from one worker that has
	// just used its slot to the next.
	idleGrace = 25 * time.Millisecond
	// unreadableDelay hands back a message that this worker cannot read, such as
	// one that a newer one wrote.
	unreadableDelay = time.Minute
)

// Config configures the [Consumer] of one account.
type Config struct {
	Account call.Account
	// MinShare is the part of the calls that each lower priority gets while higher
	// ones have more than can be dialled.
	MinShare float64
	// AckWait is how long a message may be held before the broker delivers it
	// again: as long as a claimed call can take.
	AckWait time.Duration
	// Provision creates the JetStream consumers that are missing.
	Provision bool
	// OnUnbound, if any, is called with how many JetStream consumers cannot be
	// pulled from, when that may have changed.
	OnUnbound func(n int)
	Log       *slog.Logger
}

// Consumer pulls the messages of one account.
//
// When few calls may be dialled and much waits, the sources above the one that
// has something are empty nearly always, and asking each of them for every call
// would cost five round trips. So an empty source is asked to bring its next
// message (it waits), and costs nothing until it has one. An urgent message is
// then brought at once, and is the first to be dialled.
//
// A worker that may rarely dial must not keep it until then: with ten calls per
// second and ten workers each may dial once a second, but some worker may every
// 100 ms. So a worker that has had no capacity for idleGrace hands back at once
// what comes, to the next one that waits, until it is with one that may dial or
// none waits any more: a few milliseconds for all of them. The worker that may
// dial next then fetches it, because its own wait was answered. Each worker hands
// one message on once at most.
//
// While the broker is behind with acknowledgements nothing is pulled (see
// ackThrottle). A source whose consumer is not there, or has no leader, is left
// out until it is: a part of the account's messages waits then, and not all.
type Consumer struct {
	shared *Consumers
	cfg    Config
	inbox  *inbox
	fair   fairShare

	once     sync.Once
	allBound chan struct{} // closed once
}

// New returns the consumer of one account. It asks the broker for nothing before
// Bind or Run.
func (c *Consumers) New(cfg Config) *Consumer {
	if cfg.OnUnbound == nil {
		cfg.OnUnbound = func(int) {}
	}
	sources := newSources(cfg, c.conn.JetStream().Options().Domain)
	return &Consumer{
		shared: c, cfg: cfg, inbox: newInbox(c.conn.NATS(), cfg.Account, cfg.Log, sources),
		fair: fairShare{share: cfg.MinShare}, allBound: make(chan struct{}),
	}
}

// Capacity returns how many calls may be dialled now. It blocks until that is at
// least one, and returns 0 when ctx ends. revoked is closed when they may no
// longer, for example because the account is suspended.
type Capacity func(ctx context.Context) (n int, revoked <-chan struct{})

// Run pulls until ctx ends and calls handle with every message, which must not
// block. It returns after every message was given to handle or handed back.
func (c *Consumer) Run(ctx context.Context, capacity Capacity, handle func(*Message)) {
	if !c.subscribe(ctx) {
		return
	}
	defer c.drain(ctx)
	defer c.shared.conn.OnReconnect(c.inbox.reset)()
	var owned sync.WaitGroup
	defer owned.Wait()
	owned.Go(func() { c.keepBound(ctx) })
	grace := time.AfterFunc(idleGrace, c.inbox.closeIfIdle)
	defer grace.Stop()
	for {
		c.inbox.markIdle()
		grace.Reset(idleGrace)
		c.shared.throttle.wait(ctx)
		n, revoked := capacity(ctx)
		if n == 0 {
			return
		}
		c.inbox.open()
		if c.fetch(ctx, n, handle) == 0 {
			c.wait(ctx, revoked)
		}
	}
}

// subscribe subscribes the inbox, and reports whether it did before ctx ended.
func (c *Consumer) subscribe(ctx context.Context) bool {
	failures := retry.NewBackoff(100*time.Millisecond, 5*time.Second)
	for ctx.Err() == nil {
		err := c.inbox.subscribe()
		if err == nil {
			return true
		}
		delay := failures.NextBackOff()
		c.cfg.Log.Warn("nothing can be pulled", "account", c.cfg.Account, "error", err, "retry_in", delay)
		retry.Sleep(ctx, delay)
	}
	return false
}

func (c *Consumer) drain(ctx context.Context) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), queue.RequestTimeout)
	defer cancel()
	c.inbox.drain(bounded)
}

// fetch fetches up to n messages that are there, in the order of fairShare.
func (c *Consumer) fetch(ctx context.Context, n int, handle func(*Message)) int {
	fetched := 0
	for _, r := range c.fair.order(n) {
		wanted := min(r.n, n-fetched)
		if wanted == 0 || ctx.Err() != nil {
			break
		}
		got, exhausted := c.fetchRank(r.rank, wanted, handle)
		c.fair.served(r.rank, got)
		if exhausted {
			c.fair.exhausted(r.rank)
		}
		fetched += got
	}
	return fetched
}

// fetchRank fetches from the sources of one priority. One whose consumer cannot
// be reached has nothing for now: the others go on.
func (c *Consumer) fetchRank(rank, n int, handle func(*Message)) (fetched int, exhausted bool) {
	for i, s := range c.inbox.sources { // due calls, then new requests
		if s.rank != rank || !c.inbox.bound(s) {
			continue
		}
		got, none, err := c.inbox.fetch(i, n-fetched)
		for _, d := range got {
			c.deliver(d, handle)
		}
		fetched += len(got)
		if err != nil {
			c.inbox.unbind(s, err)
		} else if !none {
			return fetched, false
		}
	}
	return fetched, true
}

// wait waits until some source has something, capacity is revoked, or ctx ends.
// Revoked capacity closes the inbox.
func (c *Consumer) wait(ctx context.Context, revoked <-chan struct{}) {
	for {
		deadline := c.inbox.waitAll()
		if deadline.IsZero() {
			return
		}
		select {
		case <-c.inbox.notifyCh:
		case <-time.After(time.Until(deadline)):
		case <-ctx.Done():
			return
		case <-revoked:
			c.inbox.close()
			return
		}
	}
}

// deliver gives a message to handle, or hands it back if it cannot be read.
func (c *Consumer) deliver(d *delivery, handle func(*Message)) {
	read, err := queue.ReadDelivery(d.msg, d.meta)
	if err != nil {
		c.cfg.Log.Error("a message cannot be read and is handed back", "account", c.cfg.Account, "error", err)
		if err := d.msg.NakWithDelay(unreadableDelay); err != nil {
			c.cfg.Log.Warn("handing a message back failed", "error", err)
		}
		return
	}
	handle(&Message{Delivery: read, msg: d.msg, throttle: c.shared.throttle})
}
