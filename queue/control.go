package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
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
	keyLedger    = "ledger"
)

// controlCheck is how often a worker asks whether the bucket is still there:
// the watch of a deleted bucket falls silent.
const controlCheck = 5 * time.Second

// Control is the bucket of flags that stop accounts, durable and seen by every
// worker.
type Control struct {
	js  jetstream.JetStream
	log *slog.Logger
}

// NewControl gives the control bucket.
func (c *Conn) NewControl(log *slog.Logger) *Control { return &Control{js: c.js, log: log} }

// Flags is what the bucket says.
type Flags struct {
	suspended map[call.Account]call.Suspension
	paused    map[call.Account]call.Pause
	pausedAll *call.Pause
	Ledger    Ledger
}

// Stops says what keeps an account from dialling.
func (f Flags) Stops(a call.Account) call.Stops {
	stops := call.Stops{Suspension: f.suspended[a], Pause: f.pausedAll}
	if p, ok := f.paused[a]; ok && stops.Pause == nil {
		stops.Pause = &p
	}
	return stops
}

// Watch tells changed what the bucket says, now and after each change, until
// ctx ends. It tells nil whenever that is not known: before the first complete
// answer, and while the bucket cannot be reached.
func (c *Control) Watch(ctx context.Context, changed func(*Flags)) {
	failures := newFailureBackoff()
	for ctx.Err() == nil {
		err := c.watch(ctx, changed, failures.Reset)
		if ctx.Err() != nil {
			return
		}
		changed(nil)
		delay := failures.NextBackOff()
		c.log.Warn("watching the control bucket failed; nothing is dialled meanwhile", "error", err, "again_in", delay)
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
	}
}

func (c *Control) watch(ctx context.Context, changed func(*Flags), complete func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch bucket %s: %w", BucketControl, err)
	}
	defer func() { _ = watcher.Stop() }()
	flags := Flags{suspended: map[call.Account]call.Suspension{}, paused: map[call.Account]call.Pause{}}
	initial := true
	check := time.NewTicker(controlCheck)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-check.C:
			if err := c.reachable(ctx, kv); err != nil {
				return err
			}
			continue
		case entry, ok := <-watcher.Updates():
			if !ok {
				return errors.New("the watch ended")
			}
			if entry == nil {
				initial = false
				complete()
			} else if err := flags.apply(entry); err != nil {
				return err
			}
		}
		if !initial {
			snapshot := flags.clone()
			changed(&snapshot)
		}
	}
}

func (c *Control) reachable(ctx context.Context, kv jetstream.KeyValue) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if _, err := kv.Status(ctx); err != nil {
		return fmt.Errorf("reach bucket %s: %w", BucketControl, err)
	}
	return nil
}

func (c *Control) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	kv, err := c.js.KeyValue(ctx, BucketControl)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	return kv, nil
}

// apply takes one entry in. An entry that cannot be read is an error: what may
// be a stop must not be overlooked.
func (f *Flags) apply(e jetstream.KeyValueEntry) error {
	gone := e.Operation() != jetstream.KeyValuePut
	name, account, _ := strings.Cut(e.Key(), ".")
	var err error
	switch name + "." {
	case keySuspended:
		err = applyEntry(f.suspended, call.Account(account), e, gone)
	case keyPaused:
		err = applyEntry(f.paused, call.Account(account), e, gone)
	case keyPausedAll + ".":
		f.pausedAll = nil
		if !gone {
			f.pausedAll = &call.Pause{}
			err = json.Unmarshal(e.Value(), f.pausedAll)
		}
	case keyLedger + ".":
		f.Ledger = Ledger{}
		if !gone {
			err = json.Unmarshal(e.Value(), &f.Ledger)
		}
	}
	if err != nil {
		return fmt.Errorf("read key %s of bucket %s: it is not valid JSON; correct or delete it", e.Key(), BucketControl)
	}
	return nil
}

func applyEntry[V any](m map[call.Account]V, a call.Account, e jetstream.KeyValueEntry, gone bool) error {
	delete(m, a)
	if gone {
		return nil
	}
	var v V
	if err := json.Unmarshal(e.Value(), &v); err != nil {
		return err
	}
	m[a] = v
	return nil
}

func (f *Flags) clone() Flags {
	c := *f
	c.suspended, c.paused = maps.Clone(f.suspended), maps.Clone(f.paused)
	return c
}

// Suspend sets the suspension of an account.
func (c *Control) Suspend(ctx context.Context, a call.Account, s call.Suspension) error {
	return c.put(ctx, keySuspended+string(a), s)
}

// Lift ends this very suspension; a newer one stays. How often the account was
// suspended is kept until [Control.Unsuspend].
func (c *Control) Lift(ctx context.Context, a call.Account, s call.Suspension) error {
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	key := keySuspended + string(a)
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read key %s of bucket %s: %w", key, BucketControl, err)
	}
	var held call.Suspension
	if err := json.Unmarshal(entry.Value(), &held); err != nil {
		return fmt.Errorf("read key %s of bucket %s: it is not valid JSON; correct or delete it", key, BucketControl)
	}
	if held.Lifted || !held.Since.Equal(s.Since) {
		return nil
	}
	held.Lifted = true
	data, err := json.Marshal(held)
	if err != nil {
		return fmt.Errorf("encode key %s of bucket %s: %w", key, BucketControl, err)
	}
	if _, err := kv.Update(ctx, key, data, entry.Revision()); err != nil && !isConflictError(err) {
		return fmt.Errorf("set key %s of bucket %s: %w", key, BucketControl, err)
	}
	return nil
}

// Unsuspend removes the suspension of an account, and forgets how often it was
// suspended.
func (c *Control) Unsuspend(ctx context.Context, a call.Account) error {
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
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var found *Flags
	err := c.watch(ctx, func(f *Flags) {
		found = f
		cancel()
	}, func() {})
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
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
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
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := kv.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete key %s of bucket %s: %w", key, BucketControl, err)
	}
	return nil
}
