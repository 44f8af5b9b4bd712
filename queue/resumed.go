package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// keyResumed holds the last time that an operator resumed an account.
const keyResumed = "resumed."

// resumption ends in every worker what the provider asked the account to wait.
// It is kept for as long as that can be, for workers that are away from the
// broker.
type resumption struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
}

// EndThrottle has every worker go on with the account although the provider
// asked it to wait, until it is asked to wait again.
func (c *Control) EndThrottle(ctx context.Context, a call.Account, by string, now time.Time) error {
	data, err := json.Marshal(resumption{By: by, Since: now})
	if err != nil {
		return fmt.Errorf("encode who resumed: %w", err)
	}
	m := &nats.Msg{Subject: "$KV." + BucketControl + "." + keyResumed + string(a), Data: data, Header: nats.Header{}}
	SetTTL(m, maxPause)
	if _, err := c.conn.Publish(ctx, streamControl, m); err != nil {
		return fmt.Errorf("end what the provider asked account %s to wait: %w", a, err)
	}
	return nil
}

// applyResumed takes in that an account was resumed. Its revision tells one from
// the next: times are of an operator's clock.
func (f *Flags) applyResumed(a call.Account, e jetstream.KeyValueEntry, gone bool) {
	delete(f.resumed, a)
	if !gone {
		f.resumed[a] = e.Revision()
	}
}
