package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// AccountsOf lists the accounts that have a record or a dead letter of this id,
// for a person who knows only the id.
func (o *Operator) AccountsOf(ctx context.Context, id call.ID) ([]call.Account, error) {
	found := map[call.Account]bool{}
	records, err := ListSubjects(ctx, o.conn.js, StreamRecords, RecordSubject("*", id))
	if err != nil {
		return nil, err
	}
	for _, subject := range records {
		account, _, _ := strings.Cut(strings.TrimPrefix(subject, RecordsPrefix), ".")
		found[call.Account(account)] = true
	}
	letters, err := ListSubjects(ctx, o.conn.js, StreamDead, DeadSubject("*", "*", string(id)))
	if err != nil {
		return nil, err
	}
	for _, subject := range letters {
		if account, reason, _, err := ParseDeadSubject(subject); err == nil && reason != call.IDConflict {
			found[account] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// HasConsumers reports whether some worker made a consumer of an account: whether
// anybody pulls, or ever pulled, its requests. One may be missing where another
// program consumes in its place.
func (c *Conn) HasConsumers(ctx context.Context, a call.Account) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	for _, p := range ranks {
		_, err := c.js.Consumer(ctx, StreamOf(p), RequestConsumer(a, p))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return false, fmt.Errorf("look up the consumers of account %s: %w", a, err)
		}
	}
	return false, nil
}

// Accounts lists the accounts that have a flag, sorted.
func (f Flags) Accounts() []call.Account {
	found := map[call.Account]bool{}
	for a := range f.suspended {
		found[a] = true
	}
	for a := range f.paused {
		found[a] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// AccountPause gives the pause of this account alone, nil if there is none.
func (f Flags) AccountPause(a call.Account) *call.Pause {
	if p, paused := f.paused[a]; paused {
		return &p
	}
	return nil
}

// GlobalPause gives the pause of all accounts, nil if there is none.
func (f Flags) GlobalPause() *call.Pause { return f.pausedAll }
