package queue

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/failpoint"
)

const (
	// maxAckPending is more than all workers of an account hold at once; what
	// they hold is bounded by what they pull.
	maxAckPending = 20000
	// permittedSoon is how long listening goes on while no call may be dialled:
	// a slot may be free again in a moment.
	permittedSoon = 100 * time.Millisecond
	// unreadableDelay hands back a message that this worker cannot read, such
	// as one written by a newer one.
	unreadableDelay = time.Minute
)

// ConsumerConfig says what is pulled for one account.
type ConsumerConfig struct {
	Account call.Account
	// AckWait is how long a message may be held before the broker delivers it
	// again: as long as a claimed call can take.
	AckWait time.Duration
	// Provision makes the JetStream consumers that are missing.
	Provision bool
	Log       *slog.Logger
}

// Consumer pulls the messages of one account, due calls before new requests,
// and never more than may be dialled now.
type Consumer struct {
	js      jetstream.JetStream
	cfg     ConsumerConfig
	sources []*source
}

// NewConsumer prepares to pull; nothing is asked of the broker before Run.
func (c *Conn) NewConsumer(cfg ConsumerConfig) *Consumer {
	return &Consumer{js: c.js, cfg: cfg, sources: []*source{
		{stream: StreamParked, config: durable(consumesDue, cfg, duePrefix+string(cfg.Account)+".*")},
		{stream: StreamCalls, config: durable(consumesNew, cfg,
			requestsPrefix+string(cfg.Account), requestsPrefix+string(cfg.Account)+".*")},
	}}
}

func durable(prefix string, cfg ConsumerConfig, subjects ...string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: prefix + string(cfg.Account), FilterSubjects: subjects,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: cfg.AckWait, MaxAckPending: maxAckPending,
		// A message that is given up by the broker would be stranded in a work
		// queue; attempts are counted in the record.
		MaxDeliver: -1,
	}
}

// Bind finds or makes the JetStream consumers.
func (c *Consumer) Bind(ctx context.Context) error {
	for _, s := range c.sources {
		if err := s.bind(ctx, c.js, c.cfg.Provision); err != nil {
			return err
		}
	}
	return nil
}

// Permit says how many calls may be dialled now. It blocks until that is at
// least one, and gives 0 when ctx ends. withdrawn is closed when the permit
// ends, for example because the account is suspended.
type Permit func(ctx context.Context) (n int, withdrawn <-chan struct{})

// Run pulls until ctx ends and gives every message to handle, which must not
// block. It returns after every message it got has been given to handle or
// handed back.
func (c *Consumer) Run(ctx context.Context, permit Permit, handle func(*Message)) {
	rung := make(chan struct{}, 1)
	defer c.silence()
	failures := newFailureBackoff()
	for {
		n, withdrawn := c.permitted(ctx, permit)
		if n == 0 {
			return
		}
		taken, err := c.take(ctx, n, handle)
		switch {
		case err != nil && ctx.Err() == nil:
			c.recover(ctx, err, failures)
		case taken == 0:
			failures.Reset()
			c.listen(ctx, rung, withdrawn)
		default:
			failures.Reset()
		}
	}
}

// permitted asks for a permit. If there is none at once, nothing may be pulled
// meanwhile either: the listening pulls are taken back.
func (c *Consumer) permitted(ctx context.Context, permit Permit) (n int, withdrawn <-chan struct{}) {
	if !c.listening() {
		return permit(ctx)
	}
	given := make(chan struct{})
	go func() {
		defer close(given)
		n, withdrawn = permit(ctx)
	}()
	soon := time.NewTimer(permittedSoon)
	defer soon.Stop()
	select {
	case <-given:
	case <-soon.C:
		c.silence()
		<-given
	}
	return n, withdrawn
}

func (c *Consumer) listening() bool {
	return slices.ContainsFunc(c.sources, func(s *source) bool { return s.bell != nil })
}

// take asks every source for what is there, the most pressing first.
func (c *Consumer) take(ctx context.Context, n int, handle func(*Message)) (int, error) {
	taken := 0
	for _, s := range c.sources {
		msgs, err := s.take(ctx, n-taken)
		for _, msg := range msgs {
			c.give(msg, handle)
		}
		taken += len(msgs)
		if err != nil || taken >= n {
			return taken, err
		}
	}
	return taken, nil
}

// listen waits until some source has something, the permit is withdrawn, or
// ctx ends. A withdrawn permit takes the listening pulls back.
func (c *Consumer) listen(ctx context.Context, rung chan struct{}, withdrawn <-chan struct{}) {
	for _, s := range c.sources {
		if s.bell == nil && s.consumer != nil {
			s.bell = hang(ctx, s.consumer, rung)
		}
	}
	select {
	case <-rung:
	case <-ctx.Done():
	case <-withdrawn:
		c.silence()
	}
}

// silence takes every listening pull back, and hands back what it brought.
func (c *Consumer) silence() {
	for _, s := range c.sources {
		if s.bell == nil {
			continue
		}
		if msg := s.bell.takeDown(); msg != nil {
			if err := msg.Nak(); err != nil {
				c.cfg.Log.Warn("handing a message back failed", "account", c.cfg.Account, "error", err)
			}
		}
		s.bell = nil
	}
}

// give hands a message on, or back if it cannot be read.
func (c *Consumer) give(msg jetstream.Msg, handle func(*Message)) {
	failpoint.Here(failpoint.DeliveryTaken)
	m, err := newMessage(msg)
	if err != nil {
		c.cfg.Log.Error("a message cannot be read and is handed back", "account", c.cfg.Account, "error", err)
		if err := msg.NakWithDelay(unreadableDelay); err != nil {
			c.cfg.Log.Warn("handing a message back failed", "error", err)
		}
		return
	}
	handle(m)
}

// recover waits before the next pull, and finds or makes the consumers again
// if the broker no longer knows them.
func (c *Consumer) recover(ctx context.Context, err error, failures backoff.BackOff) {
	delay := failures.NextBackOff()
	c.cfg.Log.Warn("pulling failed", "account", c.cfg.Account, "error", err, "again_in", delay)
	select {
	case <-ctx.Done():
		return
	case <-time.After(delay):
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
