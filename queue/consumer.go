package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/failpoint"
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
	// LeastShare is the part of its calls that each lower priority gets while
	// higher ones have more than can be dialled.
	LeastShare float64
	// AckWait is how long a message may be held before the broker delivers it
	// again: as long as a claimed call can take.
	AckWait time.Duration
	// Provision makes the JetStream consumers that are missing.
	Provision bool
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
// moment hands back at once what comes, to the next one that listens, until it is with one that may dial
// or nobody listens any more: a few milliseconds for all of them. Whoever gets
// the next permit then asks, because its own listening has been answered, and
// takes it. One message is handed on by each worker once at most.
type Consumer struct {
	conn  *Conn
	js    jetstream.JetStream
	cfg   ConsumerConfig
	inbox *inbox
	turns turns
}

// NewConsumer prepares to pull; nothing is asked of the broker before Bind or
// Run.
func (c *Conn) NewConsumer(cfg ConsumerConfig) *Consumer {
	inbox := newInbox(c.nc, cfg.Account, cfg.Log)
	inbox.sources = sourcesOf(cfg)
	return &Consumer{conn: c, js: c.js, cfg: cfg, inbox: inbox, turns: turns{least: cfg.LeastShare}}
}

// Permit says how many calls may be dialled now. It blocks until that is at
// least one, and gives 0 when ctx ends. withdrawn is closed when the permit
// ends, for example because the account is suspended.
type Permit func(ctx context.Context) (n int, withdrawn <-chan struct{})

// Run pulls until ctx ends and gives every message to handle, which must not
// block. It returns after every message it got has been given to handle or
// handed back.
func (c *Consumer) Run(ctx context.Context, permit Permit, handle func(*Message)) {
	failures := newFailureBackoff()
	for !c.serve(ctx, failures) {
		if ctx.Err() != nil {
			return
		}
	}
	defer c.leave(ctx)
	soon := time.AfterFunc(permittedSoon, c.inbox.shutLater)
	defer soon.Stop()
	for {
		c.inbox.mayShut()
		soon.Reset(permittedSoon)
		n, withdrawn := permit(ctx)
		if n == 0 {
			return
		}
		c.inbox.adopt()
		c.inbox.admit()
		taken, err := c.take(ctx, n, handle)
		switch {
		case err != nil && ctx.Err() == nil:
			c.recover(ctx, err, failures)
		case taken == 0:
			failures.Reset()
			c.listen(ctx, withdrawn)
		default:
			failures.Reset()
		}
	}
}

// serve begins to receive, and reports whether it could.
func (c *Consumer) serve(ctx context.Context, failures backoff.BackOff) bool {
	if err := c.inbox.serve(); err != nil {
		c.recover(ctx, err, failures)
		return false
	}
	c.conn.attend(c.inbox)
	return true
}

func (c *Consumer) leave(ctx context.Context) {
	c.conn.dismiss(c.inbox)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	c.inbox.leave(bounded)
}

// take asks the sources for what is there, in the order that the turns give.
func (c *Consumer) take(ctx context.Context, n int, handle func(*Message)) (int, error) {
	taken := 0
	for _, ask := range c.turns.plan(n) {
		wanted := min(ask.most, n-taken)
		if wanted == 0 || ctx.Err() != nil {
			break
		}
		got, empty, err := c.takeOf(ask.rank, wanted, handle)
		c.turns.took(ask.rank, got)
		if empty {
			c.turns.empty(ask.rank)
		}
		taken += got
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// takeOf asks the sources of one priority, due calls before new requests.
func (c *Consumer) takeOf(rank, n int, handle func(*Message)) (taken int, empty bool, err error) {
	for i, s := range c.inbox.sources {
		if s.rank != rank {
			continue
		}
		if !s.bound {
			return taken, false, errNotBound
		}
		got, none, err := c.inbox.take(i, n-taken)
		for _, d := range got {
			c.give(d, handle)
		}
		if err != nil && c.inbox.abandon(s) {
			return taken + len(got), true, nil
		}
		if taken += len(got); err != nil || !none {
			return taken, false, err
		}
	}
	return taken, true, nil
}

// listen waits until some source has something, the permit is withdrawn, or
// ctx ends. A withdrawn permit closes the inbox.
func (c *Consumer) listen(ctx context.Context, withdrawn <-chan struct{}) {
	for {
		overdue, err := c.inbox.listenAll()
		if err != nil || overdue.IsZero() {
			return // there is something to take, or to recover from
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
	failpoint.Here(failpoint.DeliveryTaken)
	m, err := newMessage(d)
	if err != nil {
		c.cfg.Log.Error("a message cannot be read and is handed back", "account", c.cfg.Account, "error", err)
		if err := d.msg.NakWithDelay(unreadableDelay); err != nil {
			c.cfg.Log.Warn("handing a message back failed", "error", err)
		}
		return
	}
	handle(m)
}

// recover waits before the next pull, and finds or makes the consumers again
// that the broker no longer knows.
func (c *Consumer) recover(ctx context.Context, err error, failures backoff.BackOff) {
	c.inbox.shut()
	delay := failures.NextBackOff()
	c.cfg.Log.Warn("pulling failed", "account", c.cfg.Account, "error", err, "again_in", delay)
	if pause(ctx, delay); ctx.Err() != nil {
		return
	}
	if err := c.Bind(ctx); err != nil && ctx.Err() == nil {
		c.cfg.Log.Warn("binding the consumers failed", "account", c.cfg.Account, "error", err)
	}
}

func newFailureBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}
