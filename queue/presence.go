package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/failpoint"
)

// Whether somebody serves an account is not told by its consumers: these stay
// when the account is removed, and nobody pulls from them while it is paused.
// So every worker writes down which accounts it serves, again and again.
const (
	keyServes = "serves."
	// PresenceEvery is how often a worker says which accounts it serves.
	PresenceEvery = time.Minute
	// presenceFor is how long it is believed.
	presenceFor = 3 * PresenceEvery
)

// presence is what one worker said.
type presence struct {
	Worker   string         `json:"worker"`
	Accounts []call.Account `json:"accounts"`
	at       time.Time
}

func presenceKey(worker string) string {
	digest := sha256.Sum256([]byte(worker)) // host names may hold what a key may not
	return keyServes + hex.EncodeToString(digest[:16])
}

// Serve says that this worker serves these accounts now.
func (c *Control) Serve(ctx context.Context, worker string, accounts []call.Account) error {
	data, err := json.Marshal(presence{Worker: worker, Accounts: accounts})
	if err != nil {
		return fmt.Errorf("encode which accounts are served: %w", err)
	}
	m := &nats.Msg{Subject: "$KV." + BucketControl + "." + presenceKey(worker), Data: data, Header: nats.Header{}}
	setTTL(m, presenceFor)
	failpoint.Here(failpoint.PresenceBefore)
	if _, err := publish(ctx, c.answers, streamControl, m); err != nil {
		return fmt.Errorf("say which accounts are served: %w", err)
	}
	failpoint.Here(failpoint.PresenceAfter)
	return nil
}

// Leave says that this worker serves nothing any more.
func (c *Control) Leave(ctx context.Context, worker string) error {
	return c.remove(ctx, presenceKey(worker))
}

// Served lists the accounts that some worker serves.
func (f Flags) Served(now time.Time) map[call.Account]bool {
	served := map[call.Account]bool{}
	for _, p := range f.present {
		if now.Sub(p.at) > presenceFor {
			continue
		}
		for _, a := range p.Accounts {
			served[a] = true
		}
	}
	return served
}

// applyPresence takes in what a worker said. What cannot be read says nothing:
// it stops nobody.
func (f *Flags) applyPresence(e jetstream.KeyValueEntry, gone bool) {
	delete(f.present, e.Key())
	var p presence
	if gone || json.Unmarshal(e.Value(), &p) != nil {
		return
	}
	p.at = e.Created()
	f.present[e.Key()] = p
}
