package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/queue"
)

// existsInterval is how often a watch asks whether the bucket is still there: the
// watch of a deleted bucket falls silent.
const existsInterval = 10 * time.Second

// errRecreated ends a watch whose bucket was deleted and created again: it would go
// on at the sequence where it stopped, and miss every flag before that.
var errRecreated = errors.New("the control bucket was deleted and created again")

// Read returns the flags as they are now.
func (b *Bucket) Read(ctx context.Context) (Flags, error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	var found *Flags
	err := b.watch(ctx, func(f *Flags) {
		found = f
		cancel()
	}, func() {}, &flagBackup{})
	if found != nil {
		return *found, nil
	}
	return Flags{}, err
}

// Watch calls changed with the flags as they are now and after each change, until
// ctx ends. It calls it with nil whenever they are not known: before the first
// complete answer, and while the bucket cannot be reached. Blocks that this watch
// knew are written again into a bucket that was deleted and created again.
func (b *Bucket) Watch(ctx context.Context, changed func(*Flags)) {
	failures := retry.NewBackoff(100*time.Millisecond, 5*time.Second)
	var backup flagBackup
	for ctx.Err() == nil {
		err := b.watch(ctx, changed, failures.Reset, &backup)
		if ctx.Err() != nil {
			return
		}
		changed(nil)
		if errors.Is(err, queue.ErrReconnected) {
			continue
		}
		delay := failures.NextBackOff()
		b.log.Warn("watching the control bucket failed; nothing is dialled meanwhile", "error", err, "retry_in", delay)
		retry.Sleep(ctx, delay)
	}
}

func (b *Bucket) watch(ctx context.Context, changed func(*Flags), complete func(), backup *flagBackup) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The broker may have forgotten the watch when the connection was lost, which
	// the client would notice some seconds later; until then a pause would be missed.
	reconnected := make(chan struct{})
	defer b.conn.OnReconnect(sync.OnceFunc(func() { close(reconnected) }))()
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	info, err := streamInfo(ctx, kv)
	if err != nil {
		return err
	}
	created := info.Created
	if err := backup.restore(ctx, kv, created, b.log); err != nil {
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch bucket %s: %w", queue.BucketControl, err)
	}
	defer func() { _ = watcher.Stop() }()
	flags := newFlags(info.TimeStamp)
	blocks := flagBackup{created: created, values: map[string][]byte{}}
	initial := true
	exists := time.NewTicker(existsInterval)
	defer exists.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-reconnected:
			return queue.ErrReconnected
		case <-exists.C:
			if now, err := streamInfo(ctx, kv); err != nil {
				return err
			} else if !now.Created.Equal(created) {
				return errRecreated
			}
			continue
		case entry, ok := <-watcher.Updates():
			if !ok {
				return errors.New("the watch ended")
			}
			if entry == nil {
				initial = false
				*backup = blocks
				complete()
			} else if err := flags.apply(entry); err != nil {
				return err
			} else {
				blocks.record(entry)
			}
		}
		if !initial {
			snapshot := flags.clone()
			changed(&snapshot)
		}
	}
}

// streamInfo returns the state of the stream behind the bucket.
func streamInfo(ctx context.Context, kv jetstream.KeyValue) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach bucket %s: %w", queue.BucketControl, err)
	}
	bucket, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return nil, fmt.Errorf("reach bucket %s: its status has no stream", queue.BucketControl)
	}
	return bucket.StreamInfo(), nil
}
