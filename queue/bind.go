package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue/internal/retry"
)

// maxAckPending is more than all workers of an account hold at once; what they
// hold is bounded by what they pull.
const maxAckPending = 20000

// sourcesOf lists what an account pulls from, the most pressing first.
func sourcesOf(cfg ConsumerConfig) []*source {
	sources := make([]*source, 0, 2*priorities)
	for rank, p := range ranks {
		sources = append(
			sources,
			newSource(StreamParked, rank, durable(DueConsumer(cfg.Account, p), cfg, DueSubject(cfg.Account, p))),
			newSource(StreamOf(p), rank, durable(RequestConsumer(cfg.Account, p), cfg, StoredSubject(cfg.Account, p))),
		)
	}
	return sources
}

func durable(name string, cfg ConsumerConfig, subject string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, FilterSubject: subject,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: cfg.AckWait, MaxAckPending: maxAckPending,
		// The broker would write a file for each consumer several times a
		// second, which with hundreds of accounts is most of what it does. What
		// the files hold is whose turn a message is, and that is no ledger
		// anyway: after a restart what was held comes at once, as if it were
		// new, and its record says what became of it.
		MemoryStorage: true,
		// A message that is given up by the broker would be stranded in a work
		// queue; attempts are counted in the record.
		MaxDeliver: -1,
	}
}

// mostBinding is how many accounts are bound at a time: enough to keep the
// broker busy, and few enough for it to answer each in time.
const mostBinding = 8

// heldLong is how long the consumers have to be there until the wait for the
// next one that is not begins small again.
const heldLong = 10 * time.Second

// complainEvery is how often it is said of a consumer that stays away.
const complainEvery = 30 * time.Second

// Bind finds or makes the JetStream consumers that are not bound yet. The first
// that fails ends it, since a broker that does not answer costs a time-out for
// each; it is the last that is tried next time.
func (c *Consumer) Bind(ctx context.Context) error {
	select {
	case c.conn.binding <- struct{}{}:
		defer func() { <-c.conn.binding }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, s := range c.inbox.unbound() {
		err := c.bind(ctx, s)
		c.inbox.looked(s, err)
		if err != nil {
			return fmt.Errorf("bind consumer %s of %s: %w", s.config.Durable, s.stream, c.conn.ExplainBindError(ctx, err))
		}
	}
	c.once.Do(func() { close(c.allBound) })
	return nil
}

// Bound is closed when all consumers have been bound once.
func (c *Consumer) Bound() <-chan struct{} { return c.allBound }

// keepBound binds the consumers, and again those that the broker no longer
// serves, until ctx ends. The others are pulled from meanwhile.
func (c *Consumer) keepBound(ctx context.Context) {
	failures := retry.NewBackoff()
	var said time.Time
	for {
		c.cfg.OnUnbound(len(c.inbox.unbound()))
		err := c.Bind(ctx)
		c.cfg.OnUnbound(len(c.inbox.unbound()))
		if err == nil {
			bound := time.Now()
			said = time.Time{}
			select {
			case err = <-c.inbox.lost:
			case <-ctx.Done():
			}
			if time.Since(bound) > heldLong {
				failures.Reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		delay := failures.NextBackOff()
		if now := time.Now(); now.Sub(said) >= complainEvery {
			c.cfg.Log.Warn("nothing is pulled from a consumer; it is looked for again and again", "account", c.cfg.Account, "error", err)
			said = now
		}
		retry.Sleep(ctx, delay)
	}
}

func (c *Consumer) bind(ctx context.Context, s *source) error {
	if !c.cfg.Provision {
		_, err := c.js.Consumer(ctx, s.stream, s.config.Durable)
		return err
	}
	_, err := c.js.CreateOrUpdateConsumer(ctx, s.stream, s.config)
	return err
}
