package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/queue/internal/retry"
)

const (
	// permittedSoon is how long messages that were brought are kept while no
	// call may be dialled: long enough to reserve a moment with the other
	// workers, and short beside the time between the permits of all of them
	// together at a limit that is felt. If it were longer than that, a message
	// could go on and on from one worker that has just had its permit to the
	// next.
	permittedSoon = 25 * time.Millisecond
	// unreadableDelay hands back a message that this worker cannot read, such
	// as one written by a newer one.
	unreadableDelay = time.Minute
)

// ConsumerConfig says what is pulled for one account.
type ConsumerConfig struct {
	Account call.Account
	// MinShare is the part of its calls that each lower priority gets while
	// higher ones have more than can be dialled.
	MinShare float64
	// AckWait is how long a message may be held before the broker delivers it
	// again: as long as a claimed call can take.
	AckWait time.Duration
	// Provision makes the JetStream consumers that are missing.
	Provision bool
	// OnUnbound, if any, is told how many consumers cannot be pulled from, when
	// that may have changed.
	OnUnbound func(n int)
	Log       *slog.Logger
}

// Consumer pulls the messages of one account, urgent ones first, due calls
// before new requests, and never more than may be dialled now.
//
// When few calls may be dialled and much waits, the sources above the one that
// has something are empty nearly always, and asking each of them for every call
// would cost five round trips. So an empty source is asked to tell of its next
// message (it listens), and costs nothing until it has. An urgent message is
// then brought at once, and is the first at the next permit.
//
// A worker whose permits are far between must not keep it until then: with ten
// calls per second and ten workers each has one permit in a second, but some
// worker has one every 100 ms. So a worker that has waited for its permit a
// moment hands back at once what comes, to the next one that listens, until it
// is with one that may dial or nobody listens any more: a few milliseconds for
// all of them. Whoever gets the next permit then asks, because its own listening
// has been answered, and takes it. One message is handed on by each worker once
// at most.
//
// While the broker is behind with acknowledgements nothing is pulled (see debt).
//
// A source whose consumer is not there, or has no leader, is left out until it
// is: a part of the account's requests waits then, and not all.
type Consumer struct {
	conn  *Conn
	js    jetstream.JetStream
	cfg   ConsumerConfig
	inbox *inbox
	turns turns

	once     sync.Once
	allBound chan struct{} // closed once

	stopListening func() // to reconnections
}

// NewConsumer prepares to pull; nothing is asked of the broker before Bind or
// Run.
func (c *Conn) NewConsumer(cfg ConsumerConfig) *Consumer {
	inbox := newInbox(c.nc, cfg.Account, cfg.Log)
	inbox.sources = sourcesOf(cfg)
	for _, s := range inbox.sources {
		s.subject = nextSubject(c.js.Options().Domain, s.stream, s.config.Durable)
	}
	if cfg.OnUnbound == nil {
		cfg.OnUnbound = func(int) {}
	}
	return &Consumer{conn: c, js: c.js, cfg: cfg, inbox: inbox, turns: turns{least: cfg.MinShare}, allBound: make(chan struct{})}
}

// Capacity says how many calls may be dialled now. It blocks until that is at
// least one, and gives 0 when ctx ends. withdrawn is closed when the permit
// ends, for example because the account is suspended.
type Capacity func(ctx context.Context) (n int, withdrawn <-chan struct{})

// Run pulls until ctx ends and gives every message to handle, which must not
// block. It returns after every message it got has been given to handle or
// handed back.
func (c *Consumer) Run(ctx context.Context, permit Capacity, handle func(*Message)) {
	if !c.serve(ctx) {
		return
	}
	defer c.leave(ctx)
	var owned sync.WaitGroup
	defer owned.Wait()
	owned.Go(func() { c.keepBound(ctx) })
	soon := time.AfterFunc(permittedSoon, c.inbox.shutLater)
	defer soon.Stop()
	for {
		c.inbox.mayShut()
		soon.Reset(permittedSoon)
		c.conn.debt.wait(ctx)
		n, withdrawn := permit(ctx)
		if n == 0 {
			return
		}
		c.inbox.admit()
		if c.take(ctx, n, handle) == 0 {
			c.listen(ctx, withdrawn)
		}
	}
}

// serve begins to receive, and reports whether it did before ctx ended.
func (c *Consumer) serve(ctx context.Context) bool {
	failures := retry.NewBackoff()
	for ctx.Err() == nil {
		err := c.inbox.serve()
		if err == nil {
			c.stopListening = c.conn.OnReconnect(c.inbox.reconnected)
			return true
		}
		delay := failures.NextBackOff()
		c.cfg.Log.Warn("nothing can be pulled", "account", c.cfg.Account, "error", err, "again_in", delay)
		retry.Sleep(ctx, delay)
	}
	return false
}

func (c *Consumer) leave(ctx context.Context) {
	c.stopListening()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), RequestTimeout)
	defer cancel()
	c.inbox.leave(bounded)
}

// take asks the sources for what is there, in the order that the turns give.
func (c *Consumer) take(ctx context.Context, n int, handle func(*Message)) int {
	taken := 0
	for _, ask := range c.turns.plan(n) {
		wanted := min(ask.most, n-taken)
		if wanted == 0 || ctx.Err() != nil {
			break
		}
		got, empty := c.takeOf(ask.rank, wanted, handle)
		c.turns.took(ask.rank, got)
		if empty {
			c.turns.empty(ask.rank)
		}
		taken += got
	}
	return taken
}

// takeOf asks the sources of one priority. One whose consumer cannot be reached
// has nothing for now: the others go on.
func (c *Consumer) takeOf(rank, n int, handle func(*Message)) (taken int, empty bool) {
	for i, s := range c.inbox.ofRank(rank) {
		if !c.inbox.bound(s) {
			continue
		}
		got, none, err := c.inbox.take(i, n-taken)
		for _, d := range got {
			c.give(d, handle)
		}
		taken += len(got)
		if err != nil {
			c.inbox.unbind(s, err)
		} else if !none {
			return taken, false
		}
	}
	return taken, true
}

// listen waits until some source has something, the permit is withdrawn, or
// ctx ends. A withdrawn permit closes the inbox.
func (c *Consumer) listen(ctx context.Context, withdrawn <-chan struct{}) {
	for {
		overdue := c.inbox.listenAll()
		if overdue.IsZero() {
			return
		}
		again := time.NewTimer(time.Until(overdue))
		select {
		case <-c.inbox.came:
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		case <-withdrawn:
			again.Stop()
			c.inbox.shut()
			return
		}
		again.Stop()
	}
}

// give hands a message on, or back if it cannot be read.
func (c *Consumer) give(d *delivery, handle func(*Message)) {
	failpoint.Eval(failpoint.DeliveryFetched)
	m, err := newMessage(d, c.conn.debt)
	if err != nil {
		c.cfg.Log.Error("a message cannot be read and is handed back", "account", c.cfg.Account, "error", err)
		if err := d.msg.NakWithDelay(unreadableDelay); err != nil {
			c.cfg.Log.Warn("handing a message back failed", "error", err)
		}
		return
	}
	handle(m)
}
