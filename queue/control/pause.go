package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// Pause stops an account, or all of them if a is empty.
func (b *Bucket) Pause(ctx context.Context, a call.Account, p call.Pause) error {
	return b.put(ctx, pauseKey(a), p)
}

// Resume ends what [Bucket.Pause] began.
func (b *Bucket) Resume(ctx context.Context, a call.Account) error {
	return b.remove(ctx, pauseKey(a))
}

func pauseKey(a call.Account) string {
	if a == "" {
		return keyPausedAll
	}
	return keyPaused + string(a)
}

// maxThrottle is the longest delay that a provider can ask for with Retry-After.
const maxThrottle = time.Hour

// resumption ends the throttling of an account in every worker. It is kept for
// maxThrottle, for workers that are away from the broker.
type resumption struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
}

// EndThrottle has every worker go on with an account although the provider asked
// it to wait, until it asks again.
func (b *Bucket) EndThrottle(ctx context.Context, a call.Account, by string, now time.Time) error {
	return b.putWithTTL(ctx, keyResumed+string(a), resumption{By: by, Since: now}, maxThrottle)
}

// numberPause is the pause of a caller ID as the bucket keeps it.
type numberPause struct {
	Number string `json:"number"`
	call.Pause
}

// numberKey returns the key for the pause of a caller ID. Keys are subjects, which
// appear in permissions, errors and advisories, so it does not show the number.
func numberKey(from call.Phone) string { return keyNumberPause + hash(from.E164()) }

func hash(s string) string {
	digest := sha256.Sum256([]byte(s))
	return hex.EncodeToString(digest[:16])
}

// PauseNumber stops all calls from this number.
func (b *Bucket) PauseNumber(ctx context.Context, from call.Phone, p call.Pause) error {
	return b.put(ctx, numberKey(from), numberPause{Number: from.E164(), Pause: p})
}

// ResumeNumber ends what [Bucket.PauseNumber] began.
func (b *Bucket) ResumeNumber(ctx context.Context, from call.Phone) error {
	return b.remove(ctx, numberKey(from))
}

var errKeyMismatch = errors.New("it is about another number than its key")

// applyNumberPause applies the pause of a caller ID, or its end. The map is
// replaced, never changed: lanes hold the one that they were given.
func (f *Flags) applyNumberPause(e jetstream.KeyValueEntry, deleted bool) error {
	next := maps.Clone(f.numbers)
	maps.DeleteFunc(next, func(from call.Phone, _ call.Pause) bool { return numberKey(from) == e.Key() })
	f.numbers = next
	if deleted {
		return nil
	}
	var p numberPause
	if err := json.Unmarshal(e.Value(), &p); err != nil {
		return err
	}
	from, _, err := call.ParsePhone(p.Number, call.PossibleNumbers)
	if err != nil {
		return err
	}
	if numberKey(from) != e.Key() {
		return errKeyMismatch
	}
	if next == nil {
		next = call.PausedNumbers{}
	}
	next[from] = p.Pause
	f.numbers = next
	return nil
}
