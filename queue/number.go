package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// numberFlag is the pause of a caller ID as the bucket keeps it.
type numberFlag struct {
	Number string `json:"number"`
	call.Pause
}

// numberKey names the pause of a caller ID. Keys are subjects, which stand in
// permissions, errors and advisories: a phone number does not belong there.
func numberKey(from call.Phone) string {
	digest := sha256.Sum256([]byte(from.E164()))
	return keyNumber + hex.EncodeToString(digest[:16])
}

// PauseNumber stops everything that is called from this number.
func (c *Control) PauseNumber(ctx context.Context, from call.Phone, p call.Pause) error {
	return c.put(ctx, numberKey(from), numberFlag{Number: from.E164(), Pause: p})
}

// ResumeNumber ends what [Control.PauseNumber] began.
func (c *Control) ResumeNumber(ctx context.Context, from call.Phone) error {
	return c.remove(ctx, numberKey(from))
}

// PausedNumbers gives the caller IDs that are paused.
func (f Flags) PausedNumbers() call.PausedNumbers { return f.numbers }

var errOtherNumber = errors.New("it is about another number than its key")

// applyNumber takes in the pause of a caller ID, or its end. The numbers are
// replaced, never changed: lanes hold those they were given.
func (f *Flags) applyNumber(e jetstream.KeyValueEntry, gone bool) error {
	next := maps.Clone(f.numbers)
	maps.DeleteFunc(next, func(from call.Phone, _ call.Pause) bool { return numberKey(from) == e.Key() })
	f.numbers = next
	if gone {
		return nil
	}
	var flag numberFlag
	if err := json.Unmarshal(e.Value(), &flag); err != nil {
		return err
	}
	from, _, err := call.ParsePhone(flag.Number, call.PossibleNumbers)
	if err != nil {
		return err
	}
	if numberKey(from) != e.Key() {
		return errOtherNumber
	}
	if next == nil {
		next = call.PausedNumbers{}
	}
	next[from] = flag.Pause
	f.numbers = next
	return nil
}
