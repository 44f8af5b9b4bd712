package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Suspend sets the suspension of an account, unless one is in force that it does
// not supersede, and returns the one that is in force then. Workers may suspend the
// same account at the same time for several reasons: on a conflict it decides
// again.
func (b *Bucket) Suspend(ctx context.Context, a call.Account, s call.Suspension) (held call.Suspension, err error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	for {
		err := b.compareAndSet(ctx, a, func(found call.Suspension) (call.Suspension, bool) {
			held = s
			if !s.Supersedes(found) {
				held = found
			}
			return s, s.Supersedes(found)
		})
		if !errors.Is(err, call.ErrConflict) {
			return held, err
		}
	}
}

// Lift ends this very suspension; a newer one stays. How often the account was
// suspended is kept until [Bucket.ClearLifted].
func (b *Bucket) Lift(ctx context.Context, a call.Account, s call.Suspension) error {
	err := b.compareAndSet(ctx, a, func(held call.Suspension) (call.Suspension, bool) {
		changes := !held.Lifted && held.Since.Equal(s.Since)
		held.Lifted = true
		return held, changes
	})
	return ignoreConflict(err)
}

// ClearLifted removes a suspension that was lifted, and with it how often the
// account was suspended in a row. One that is in force, or was just set, stays.
func (b *Bucket) ClearLifted(ctx context.Context, a call.Account) error {
	err := b.compareAndSet(ctx, a, func(held call.Suspension) (call.Suspension, bool) { return call.Suspension{}, held.Lifted })
	return ignoreConflict(err)
}

// RemoveSuspension removes the suspension of an account, in force or not, and how
// often it was suspended.
func (b *Bucket) RemoveSuspension(ctx context.Context, a call.Account) error {
	return b.remove(ctx, keySuspended+string(a))
}

// ignoreConflict is for what only ends a suspension: the writer that was faster
// knew more.
func ignoreConflict(err error) error {
	if errors.Is(err, call.ErrConflict) {
		return nil
	}
	return err
}

// compareAndSet changes the suspension of an account. change receives the present
// one, zero if there is none, and returns the next one and whether to write it.
// [call.ErrConflict] reports that another writer was faster.
func (b *Bucket) compareAndSet(ctx context.Context, a call.Account, change func(held call.Suspension) (call.Suspension, bool)) error {
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	key := keySuspended + string(a)
	held, revision, err := readSuspension(ctx, kv, key)
	if err != nil {
		return err
	}
	next, changes := change(held)
	if !changes {
		return nil
	}
	err = replaceSuspension(ctx, kv, key, next, revision)
	switch {
	case errors.Is(err, jetstream.ErrKeyExists), queue.IsConflict(err):
		return call.ErrConflict
	case err != nil:
		return fmt.Errorf("set key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	return nil
}

// readSuspension returns the suspension under a key and its revision, 0 if there is
// none.
func readSuspension(ctx context.Context, kv jetstream.KeyValue, key string) (held call.Suspension, revision uint64, err error) {
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return held, 0, nil
	}
	if err != nil {
		return held, 0, fmt.Errorf("read key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	if err := json.Unmarshal(entry.Value(), &held); err != nil {
		return held, 0, fmt.Errorf("read key %s of bucket %s: it is not valid JSON; correct or delete it", key, queue.BucketControl)
	}
	return held, entry.Revision(), nil
}

// replaceSuspension writes what follows this revision; a zero suspension is none.
func replaceSuspension(ctx context.Context, kv jetstream.KeyValue, key string, next call.Suspension, revision uint64) error {
	if next == (call.Suspension{}) {
		return kv.Delete(ctx, key, jetstream.LastRevision(revision))
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if revision == 0 {
		_, err = kv.Create(ctx, key, data)
	} else {
		_, err = kv.Update(ctx, key, data, revision)
	}
	return err
}
