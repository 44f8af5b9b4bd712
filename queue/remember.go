package queue

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// stopsKept is what a worker remembers of the control bucket: the keys that stop
// somebody, and which bucket they were in. Whoever paused an account did not
// resume it because the bucket was deleted.
type stopsKept struct {
	created time.Time
	values  map[string][]byte
}

// stopsSomebody tells the keys that are worth it. Heartbeats are published
// again and again, and the ledger's entry has rules of its own.
func stopsSomebody(key string) bool {
	return key == keyPausedAll || strings.HasPrefix(key, keyPaused) || strings.HasPrefix(key, keyNumber) || strings.HasPrefix(key, keySuspended)
}

// heard takes an entry in.
func (k *stopsKept) heard(e jetstream.KeyValueEntry) {
	switch {
	case !stopsSomebody(e.Key()):
	case e.Operation() == jetstream.KeyValuePut:
		k.values[e.Key()] = e.Value()
	default:
		delete(k.values, e.Key())
	}
}

// restore writes what is remembered into a bucket that was made anew, and where
// somebody has written since, as by resuming, leaves that as it is.
func (k *stopsKept) restore(ctx context.Context, kv jetstream.KeyValue, created time.Time, log *slog.Logger) error {
	if k.created.IsZero() || k.created.Equal(created) || len(k.values) == 0 {
		return nil
	}
	const neverWritten = 0
	written := 0
	for key, value := range k.values {
		bounded, cancel := context.WithTimeout(ctx, RequestTimeout)
		_, err := kv.Update(bounded, key, value, neverWritten)
		cancel()
		switch {
		case err == nil:
			written++
		case !IsConflict(err):
			return fmt.Errorf("write key %s again into bucket %s: %w", key, BucketControl, err)
		}
	}
	if written > 0 {
		log.Warn("the control bucket was made anew; what this worker knew to be paused or suspended was written into it again", "keys", written)
	}
	return nil
}
