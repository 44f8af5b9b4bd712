package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// Keys of the control bucket.
const (
	keySuspended = "suspended."
	keyPaused    = "paused."
	keyPausedAll = "paused-all"
	keyNumber    = "paused-number."
	KeyHighWater = "highwater"
)

// Control is the bucket of flags that stop accounts, durable and seen by every
// worker.
type Control struct {
	conn *Conn
	js   jetstream.JetStream
	log  *slog.Logger
}

// NewControl gives the control bucket.
func (c *Conn) NewControl(log *slog.Logger) *Control {
	return &Control{conn: c, js: c.js, log: log}
}

// Flags is what the bucket says.
type Flags struct {
	suspended  map[call.Account]call.Suspension
	paused     map[call.Account]call.Pause
	pausedAll  *call.Pause
	numbers    call.PausedNumbers
	resumed    map[call.Account]uint64 // the revision
	heartbeats map[string]heartbeat    // by key
	HighWater  HighWater
	read       time.Time // when reading them began, by the broker's clock
}

// Blocks says what keeps an account from dialling.
func (f Flags) Blocks(a call.Account) call.Blocks {
	stops := call.Blocks{Suspension: f.suspended[a], Pause: f.pausedAll, Numbers: f.numbers, ResumeRevision: f.resumed[a]}
	if stops.Pause == nil {
		stops.Pause = f.AccountPause(a)
	}
	return stops
}

func (c *Control) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	kv, err := c.js.KeyValue(ctx, BucketControl)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("open bucket %s: %w; make it with: ringonce streams apply", BucketControl, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	return kv, nil
}

// Suspend sets the suspension of an account, unless one is in force that it does
// not supersede, and gives the one that is in force then. Workers may suspend the
// same account at the same time, for several reasons: it decides again until
// nobody else was faster.
func (c *Control) Suspend(ctx context.Context, a call.Account, s call.Suspension) (held call.Suspension, err error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	for {
		err := c.revise(ctx, a, func(found call.Suspension) (call.Suspension, bool) {
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
// suspended is kept until [Control.ClearLifted].
func (c *Control) Lift(ctx context.Context, a call.Account, s call.Suspension) error {
	err := c.revise(ctx, a, func(held call.Suspension) (call.Suspension, bool) {
		changes := !held.Lifted && held.Since.Equal(s.Since)
		held.Lifted = true
		return held, changes
	})
	return unlessBeaten(err)
}

// ClearLifted removes a suspension that was lifted, and so how often the account was
// suspended in a row. One that is in force, or was just set, stays.
func (c *Control) ClearLifted(ctx context.Context, a call.Account) error {
	err := c.revise(ctx, a, func(held call.Suspension) (call.Suspension, bool) { return call.Suspension{}, held.Lifted })
	return unlessBeaten(err)
}

// unlessBeaten is for who only ends something: whoever was faster knew better.
func unlessBeaten(err error) error {
	if errors.Is(err, call.ErrConflict) {
		return nil
	}
	return err
}

// revise changes the suspension of an account by compare-and-set: change is given
// what is held, zero if nothing is, and says what to hold instead, if anything
// else. [call.ErrConflict] says that somebody was faster.
func (c *Control) revise(ctx context.Context, a call.Account, change func(held call.Suspension) (call.Suspension, bool)) error {
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
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
	case errors.Is(err, jetstream.ErrKeyExists), IsConflict(err):
		return call.ErrConflict
	case err != nil:
		return fmt.Errorf("set key %s of bucket %s: %w", key, BucketControl, err)
	}
	return nil
}

// readSuspension gives what is held under a key, and its revision; 0 if nothing is.
func readSuspension(ctx context.Context, kv jetstream.KeyValue, key string) (held call.Suspension, revision uint64, err error) {
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return held, 0, nil
	}
	if err != nil {
		return held, 0, fmt.Errorf("read key %s of bucket %s: %w", key, BucketControl, err)
	}
	if err := json.Unmarshal(entry.Value(), &held); err != nil {
		return held, 0, fmt.Errorf("read key %s of bucket %s: it is not valid JSON; correct or delete it", key, BucketControl)
	}
	return held, entry.Revision(), nil
}

// replaceSuspension writes what comes after this revision; a zero one is none.
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

// RemoveSuspension removes the suspension of an account, in force or not, and forgets
// how often it was suspended.
func (c *Control) RemoveSuspension(ctx context.Context, a call.Account) error {
	return c.remove(ctx, keySuspended+string(a))
}

// Pause stops an account, or all of them if a is empty.
func (c *Control) Pause(ctx context.Context, a call.Account, p call.Pause) error {
	return c.put(ctx, pauseKey(a), p)
}

// Resume ends what [Control.Pause] began.
func (c *Control) Resume(ctx context.Context, a call.Account) error {
	return c.remove(ctx, pauseKey(a))
}

// Read gives what the bucket says now.
func (c *Control) Read(ctx context.Context) (Flags, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	var found *Flags
	err := c.watch(ctx, func(f *Flags) {
		found = f
		cancel()
	}, func() {}, &stopsKept{})
	if found != nil {
		return *found, nil
	}
	return Flags{}, err
}

func pauseKey(a call.Account) string {
	if a == "" {
		return keyPausedAll
	}
	return keyPaused + string(a)
}

func (c *Control) put(ctx context.Context, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode key %s of bucket %s: %w", key, BucketControl, err)
	}
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	if _, err := kv.Put(ctx, key, data); err != nil {
		return fmt.Errorf("set key %s of bucket %s: %w", key, BucketControl, err)
	}
	return nil
}

func (c *Control) remove(ctx context.Context, key string) error {
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	if err := kv.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete key %s of bucket %s: %w", key, BucketControl, err)
	}
	return nil
}
