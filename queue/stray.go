package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

const (
	// mostStrays is how many subjects are covered at once; the rest follows
	// when those are empty.
	mostStrays = 64
	// strayIdle is how long the broker keeps a consumer of stray subjects that
	// nobody pulls from.
	strayIdle = time.Hour
)

// Strays lists, for each account, the subjects in CALLS of requests that are not
// normal. An earlier version kept requests of every priority there, those without
// one under a subject of their own, and those of a priority that is none. No filter
// of a consumer can say "anything else", and those of a work queue must not
// overlap, so they are looked up.
func (c *Conn) Strays(ctx context.Context) (map[call.Account][]string, error) {
	s, err := c.js.Stream(ctx, StreamCalls)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", StreamCalls, err)
	}
	subjects, err := subjectsOf(ctx, s, requestsPrefix+">")
	if err != nil {
		return nil, fmt.Errorf("look for stray requests: %w", err)
	}
	strays := map[call.Account][]string{}
	for _, subject := range subjects {
		account, last, _ := strings.Cut(strings.TrimPrefix(subject, requestsPrefix), ".")
		if last != string(call.Normal) {
			a := call.Account(account)
			strays[a] = append(strays[a], subject)
		}
	}
	return strays, nil
}

// Cover makes a consumer for stray subjects of the account, unless another worker
// has, and pulls from it, too, so that what waits there is read.
func (c *Consumer) Cover(ctx context.Context, subjects []string) error {
	if !c.cfg.Provision || len(subjects) == 0 {
		return nil
	}
	slices.Sort(subjects)
	cfg := durable(consumesOdd+string(c.cfg.Account), c.cfg, subjects[:min(len(subjects), mostStrays)]...)
	cfg.InactiveThreshold = strayIdle
	made, err := c.makeStray(ctx, cfg)
	if err != nil {
		return fmt.Errorf("cover the stray subjects of account %s: %w", c.cfg.Account, err)
	}
	if made || !c.inbox.covers() {
		c.inbox.cover(newSource(StreamCalls, slices.Index(ranks[:], call.Normal), cfg))
	}
	return nil
}

// makeStray makes the consumer, anew if it has to have other filters: one that
// is changed goes on behind the last message that it gave out.
func (c *Consumer) makeStray(ctx context.Context, cfg jetstream.ConsumerConfig) (made bool, err error) {
	have, err := c.js.Consumer(ctx, StreamCalls, cfg.Durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
	case err != nil:
		return false, err
	default:
		covered := have.CachedInfo().Config.FilterSubjects
		if !slices.ContainsFunc(cfg.FilterSubjects, func(s string) bool { return !slices.Contains(covered, s) }) {
			return false, nil
		}
		if err := c.js.DeleteConsumer(ctx, StreamCalls, cfg.Durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return false, err
		}
	}
	_, err = c.js.CreateConsumer(ctx, StreamCalls, cfg)
	if isNotUnique(err) {
		if err := c.removeOutdated(ctx); err != nil {
			return false, err
		}
		_, err = c.js.CreateConsumer(ctx, StreamCalls, cfg)
	}
	return err == nil, err
}

// removeOutdated takes away the consumers of urgent and bulk requests that an
// earlier version had on CALLS. What its workers hold comes again, and its record
// says what became of it.
func (c *Consumer) removeOutdated(ctx context.Context) error {
	for _, p := range []call.Priority{call.Urgent, call.Bulk} {
		name := consumerName(consumesNew, c.cfg.Account, p)
		if err := c.js.DeleteConsumer(ctx, StreamCalls, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove consumer %s of %s, which an earlier version made: %w", name, StreamCalls, err)
		}
	}
	return nil
}

// cover has the source adopted when the next messages are taken.
func (b *inbox) cover(s *source) {
	s.bound = true
	b.mu.Lock()
	b.stray = s
	b.mu.Unlock()
	b.ring()
}

// covers tells whether stray subjects are pulled from, or about to be.
func (b *inbox) covers() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stray != nil || b.sources[len(b.sources)-1].isStray()
}

// adopt adds the stray source, in the place of the one before: that may already
// have been told that its consumer was deleted, and would go with what it heard.
func (b *inbox) adopt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stray == nil {
		return
	}
	if i := len(b.sources) - 1; b.sources[i].isStray() {
		b.stray.brought = b.sources[i].brought
		b.sources = b.sources[:i]
	}
	b.sources = append(b.sources, b.stray)
	b.stray = nil
}

// isStray tells whether s covers stray subjects. Its consumer goes when nobody
// needs it; if there are strays again, they are covered again.
func (s *source) isStray() bool { return strings.HasPrefix(s.config.Durable, consumesOdd) }
