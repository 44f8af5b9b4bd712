package pull

import (
	"context"
	"fmt"
	"time"

	"github.com/ringonce/ringonce/internal/retry"
)

const (
	// stableAfter is how long all consumers have to be there until the delays
	// before the next attempts begin small again.
	stableAfter = 10 * time.Second
	// warnInterval is how often a consumer that stays missing is logged.
	warnInterval = 30 * time.Second
)

// Bind finds or creates the JetStream consumers that are not bound yet. It ends
// with the first that fails, since a broker that does not answer costs a timeout
// for each; that one is the last to be tried next time.
func (c *Consumer) Bind(ctx context.Context) error {
	select {
	case c.shared.binding <- struct{}{}:
		defer func() { <-c.shared.binding }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, s := range c.inbox.unboundSources() {
		err := c.bind(ctx, s)
		c.inbox.bindResult(s, err)
		if err != nil {
			return fmt.Errorf("bind consumer %s of %s: %w", s.config.Durable, s.stream, c.shared.conn.ExplainBindError(ctx, err))
		}
	}
	c.once.Do(func() { close(c.allBound) })
	return nil
}

func (c *Consumer) bind(ctx context.Context, s *source) (err error) {
	if js := c.shared.conn.JetStream(); c.cfg.Provision {
		_, err = js.CreateOrUpdateConsumer(ctx, s.stream, s.config)
	} else {
		_, err = js.Consumer(ctx, s.stream, s.config.Durable)
	}
	return err
}

// Bound is closed when all consumers have been bound once.
func (c *Consumer) Bound() <-chan struct{} { return c.allBound }

// keepBound binds the consumers, and again those that the broker no longer
// serves, until ctx ends. The others are pulled from meanwhile.
func (c *Consumer) keepBound(ctx context.Context) {
	failures := retry.NewBackoff(100*time.Millisecond, 5*time.Second)
	var warned time.Time
	for {
		c.cfg.OnUnbound(len(c.inbox.unboundSources()))
		err := c.Bind(ctx)
		c.cfg.OnUnbound(len(c.inbox.unboundSources()))
		if err == nil {
			bound := time.Now()
			warned = time.Time{}
			select {
			case err = <-c.inbox.unboundCh:
			case <-ctx.Done():
			}
			if time.Since(bound) > stableAfter {
				failures.Reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		delay := failures.NextBackOff()
		if now := time.Now(); now.Sub(warned) >= warnInterval {
			c.cfg.Log.Warn("a consumer cannot be pulled from; trying again", "account", c.cfg.Account, "error", err)
			warned = now
		}
		retry.Sleep(ctx, delay)
	}
}
