package queue

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/internal/retry"
)

// ErrAckDenied says that the broker refuses our acknowledgements. It drops them
// silently: every message would come back for ever.
var ErrAckDenied = errors.New("NATS permissions forbid acknowledgements: allow publishing to $JS.ACK.>")

const (
	// deniedRetryInterval is how often a subscription that the broker refused is
	// tried again: it takes up no refused subscription by itself when the
	// permission is granted.
	deniedRetryInterval = 10 * time.Second
	// maxDenied bounds how many refused subjects are remembered.
	maxDenied = 100
)

// violation matches how the broker names what it refuses.
var violation = regexp.MustCompile(`(?i)permissions violation for (publish to|subscription to) "([^"]+)"`)

// denied parses a refusal. Subject is empty if err is none.
func denied(err error) (subject string, subscribing bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return "", false
	}
	found := violation.FindStringSubmatch(err.Error())
	if found == nil {
		return "", false
	}
	return found[2], strings.HasPrefix(strings.ToLower(found[1]), "sub")
}

// deniesAck reports whether err refuses an acknowledgement.
func deniesAck(err error) bool {
	subject, subscribing := denied(err)
	return !subscribing && strings.HasPrefix(subject, "$JS.ACK.")
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

// failed notes what the client reports by itself.
func (c *Conn) failed(err error, o ConnectOptions) {
	if subject, subscribing := denied(err); subscribing {
		c.denials.add(subject)
	}
	if deniesAck(err) && !c.ofEarlierProbe(err) {
		c.ackDenied.Store(true)
		if o.OnAckDenied != nil {
			o.OnAckDenied()
		}
	}
	if o.OnError != nil {
		o.OnError(err)
	}
}

// RetryDeniedSubscriptions tries subscriptions again that the broker refused, until ctx ends.
// One that is permitted now is taken up by a new connection, which subscribes
// to everything; granted is called before that. A max_payload that is too small
// is asked for again, too.
func (c *Conn) RetryDeniedSubscriptions(ctx context.Context, granted func(subject string)) {
	for ctx.Err() == nil {
		retry.Sleep(ctx, deniedRetryInterval)
		if c.nc.IsConnected() && c.CheckMaxPayload() != nil {
			_ = c.nc.ForceReconnect() // the broker says it to new connections alone
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
	refused, _ := denied(after)
	return refused != subject
}

// probeTokens end the subject of a probe before its number: no message was
// delivered under them.
const probeTokens = ".1.0.0.0."

// ofEarlierProbe reports whether err refuses an acknowledgement of a probe that is
// over. The client reports a refusal after it has answered the probe.
func (c *Conn) ofEarlierProbe(err error) bool {
	subject, _ := denied(err)
	_, number, ok := strings.Cut(subject, probeTokens)
	n, parseErr := strconv.ParseUint(number, 10, 64)
	return ok && parseErr == nil && n < c.ackProbes.Load()
}

// CheckAckPermission finds out whether acknowledgements are permitted now, by one at each
// consumer of each account for a message that was never delivered: it changes
// nothing.
func (c *Conn) CheckAckPermission(ctx context.Context, accounts ...call.Account) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	// An earlier refusal says nothing about what is permitted now.
	probe := c.ackProbes.Add(1)
	c.ackDenied.Store(false)
	before := c.nc.LastError()
	for _, a := range accounts {
		for _, s := range sourcesOf(ConsumerConfig{Account: a}) {
			subject := fmt.Sprintf("$JS.ACK.%s.%s%s%d", s.stream, s.config.Durable, probeTokens, probe)
			if err := c.nc.Publish(subject, []byte("+WPI")); err != nil {
				return fmt.Errorf("probe the permission to acknowledge: %w", err)
			}
		}
	}
	// The broker answers in order: a refusal comes before the flush's answer.
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("probe the permission to acknowledge: %w", err)
	}
	after := c.nc.LastError()
	if after != before && deniesAck(after) || c.ackDenied.Load() { //nolint:errorlint // each refusal is an error of its own
		return ErrAckDenied
	}
	return nil
}
