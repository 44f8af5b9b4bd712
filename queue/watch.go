package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/internal/retry"
)

// controlCheck is how often a worker asks whether the bucket is still there:
// the watch of a deleted bucket falls silent.
const controlCheck = 10 * time.Second

// Watch tells changed what the bucket says, now and after each change, until
// ctx ends. It tells nil whenever that is not known: before the first complete
// answer, and while the bucket cannot be reached. A bucket that was made anew
// gets the pauses and suspensions again that this watch knew.
func (c *Control) Watch(ctx context.Context, changed func(*Flags)) {
	failures := retry.NewBackoff()
	var kept stopsKept
	for ctx.Err() == nil {
		err := c.watch(ctx, changed, failures.Reset, &kept)
		if ctx.Err() != nil {
			return
		}
		changed(nil)
		if errors.Is(err, ErrReconnected) {
			continue
		}
		delay := failures.NextBackOff()
		c.log.Warn("watching the control bucket failed; nothing is dialled meanwhile", "error", err, "again_in", delay)
		retry.Sleep(ctx, delay)
	}
}

func (c *Control) watch(ctx context.Context, changed func(*Flags), complete func(), kept *stopsKept) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The broker may have forgotten the watch when the connection was lost, which the
	// client would notice some seconds later; until then a pause would be missed.
	reconnected := make(chan struct{})
	defer c.conn.OnReconnect(sync.OnceFunc(func() { close(reconnected) }))()
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	info, err := bucketInfo(ctx, kv)
	if err != nil {
		return err
	}
	created := info.Created
	if err := kept.restore(ctx, kv, created, c.log); err != nil {
		return err
	}
	watcher, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch bucket %s: %w", BucketControl, err)
	}
	defer func() { _ = watcher.Stop() }()
	flags := Flags{
		suspended: map[call.Account]call.Suspension{}, paused: map[call.Account]call.Pause{},
		resumed: map[call.Account]uint64{}, heartbeats: map[string]heartbeat{}, read: info.TimeStamp,
	}
	stops := stopsKept{created: created, values: map[string][]byte{}}
	initial := true
	check := time.NewTicker(controlCheck)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-reconnected:
			return ErrReconnected
		case <-check.C:
			if now, err := bucketInfo(ctx, kv); err != nil {
				return err
			} else if !now.Created.Equal(created) {
				return errMadeAnew
			}
			continue
		case entry, ok := <-watcher.Updates():
			if !ok {
				return errors.New("the watch ended")
			}
			if entry == nil {
				initial = false
				*kept = stops
				complete()
			} else if err := flags.apply(entry); err != nil {
				return err
			} else {
				stops.heard(entry)
			}
		}
		if !initial {
			snapshot := flags.clone()
			changed(&snapshot)
		}
	}
}

// errMadeAnew ends a watch whose bucket was deleted and made again: it would go
// on at the sequence where it stopped, and overlook every flag before that.
var errMadeAnew = errors.New("the control bucket was made anew")

// bucketInfo reaches the bucket, and tells which one it is.
func bucketInfo(ctx context.Context, kv jetstream.KeyValue) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach bucket %s: %w", BucketControl, err)
	}
	stream, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return nil, fmt.Errorf("reach bucket %s: its status has no stream", BucketControl)
	}
	return stream.StreamInfo(), nil
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
	case keyWorker:
		f.applyHeartbeat(e, gone)
	case keyResumed:
		f.applyResumed(call.Account(account), e, gone)
	case keyNumber:
		err = f.applyNumber(e, gone)
	case KeyHighWater + ".":
		f.HighWater = HighWater{}
		if !gone {
			err = json.Unmarshal(e.Value(), &f.HighWater)
		}
	}
	if err != nil {
		return fmt.Errorf("read key %s of bucket %s: it is not valid; correct or delete it", e.Key(), BucketControl)
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
	c.resumed, c.heartbeats = maps.Clone(f.resumed), maps.Clone(f.heartbeats)
	return c
}
