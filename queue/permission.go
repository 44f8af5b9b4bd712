package queue

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/internal/retry"
)

const (
	// deniedRetryInterval is how often a refused subscription is tried again: the
	// broker does not take it up by itself when the permission is granted.
	deniedRetryInterval = 10 * time.Second
	// maxDenied bounds how many refused subjects are remembered.
	maxDenied = 100
)

// violation matches the broker's message about a refusal.
var violation = regexp.MustCompile(`(?i)permissions violation for (publish to|subscription to) "([^"]+)"`)

// DeniedSubject returns the subject of a refused publish or subscription, nothing
// if err is no refusal.
func DeniedSubject(err error) (subject string, subscribing bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return "", false
	}
	found := violation.FindStringSubmatch(err.Error())
	if found == nil {
		return "", false
	}
	return found[2], strings.HasPrefix(strings.ToLower(found[1]), "sub")
}

// denials are the subscriptions of this connection that the broker refused.
type denials struct {
	mu       sync.Mutex
	subjects map[string]bool
}

func (d *denials) add(subject string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.subjects == nil {
		d.subjects = map[string]bool{}
	}
	if len(d.subjects) < maxDenied {
		d.subjects[subject] = true
	}
}

func (d *denials) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	subjects := make([]string, 0, len(d.subjects))
	for subject := range d.subjects {
		subjects = append(subjects, subject)
	}
	return subjects
}

func (d *denials) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.subjects)
}

// handleError handles asynchronous errors of the client.
func (c *Conn) handleError(err error, o ConnectOptions) {
	if subject, subscribing := DeniedSubject(err); subscribing {
		c.denials.add(subject)
	} else if subject != "" {
		c.mu.Lock()
		listeners := c.onDenied // only ever appended to
		c.mu.Unlock()
		for _, f := range listeners {
			f(subject)
		}
	}
	if o.OnError != nil {
		o.OnError(err)
	}
}

// RetryDeniedSubscriptions tries refused subscriptions again until ctx ends. If one is
// permitted now it calls granted and connects again, which subscribes to everything. It
// also connects again while max_payload is too small.
func (c *Conn) RetryDeniedSubscriptions(ctx context.Context, granted func(subject string)) {
	for ctx.Err() == nil {
		retry.Sleep(ctx, deniedRetryInterval)
		if c.nc.IsConnected() && c.CheckMaxPayload() != nil {
			_ = c.nc.ForceReconnect() // the broker announces it to new connections alone
			continue
		}
		for _, subject := range c.denials.list() {
			if !c.mayNowSubscribe(ctx, subject) {
				continue
			}
			granted(subject)
			c.denials.clear()
			_ = c.nc.ForceReconnect() // fails if the connection is closed
			break
		}
	}
}

// mayNowSubscribe reports whether the broker accepts a subscription to subject.
func (c *Conn) mayNowSubscribe(ctx context.Context, subject string) bool {
	before := c.nc.LastError()
	sub, err := c.nc.SubscribeSync(subject)
	if err != nil {
		return false
	}
	defer func() { _ = sub.Unsubscribe() }() // fails if the connection is closed
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	// The broker answers in order: a refusal comes before the flush's answer.
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return false
	}
	after := c.nc.LastError()
	if after == before { //nolint:errorlint // each refusal is an error of its own
		return true
	}
	refused, _ := DeniedSubject(after)
	return refused != subject
}
