package control

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
)

// flagBackup is what a worker remembers of the bucket: the keys that block calls,
// and which bucket they were in. So deleting the bucket resumes nothing that was
// paused.
type flagBackup struct {
	created time.Time
	values  map[string][]byte
}

// isBlockingKey reports whether a key blocks calls, and so is backed up. Heartbeats
// are published again and again, and the high-water mark has rules of its own.
func isBlockingKey(key string) bool {
	return key == keyPausedAll || strings.HasPrefix(key, keyPaused) || strings.HasPrefix(key, keyNumberPause) || strings.HasPrefix(key, keySuspended)
}

func (b *flagBackup) record(e jetstream.KeyValueEntry) {
	switch {
	case !isBlockingKey(e.Key()):
	case e.Operation() == jetstream.KeyValuePut:
		b.values[e.Key()] = e.Value()
	default:
		delete(b.values, e.Key())
	}
}

// restore writes what is remembered into a bucket that was created again. A key
// that was written there since, as by a resumption, stays as it is.
func (b *flagBackup) restore(ctx context.Context, kv jetstream.KeyValue, created time.Time, log *slog.Logger) error {
	if b.created.IsZero() || b.created.Equal(created) || len(b.values) == 0 {
		return nil
	}
	const neverWritten = 0
	written := 0
	for key, value := range b.values {
		bounded, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
		_, err := kv.Update(bounded, key, value, neverWritten)
		cancel()
		switch {
		case err == nil:
			written++
		case !queue.IsConflict(err):
			return fmt.Errorf("write key %s again into bucket %s: %w", key, queue.BucketControl, err)
		}
	}
	if written > 0 {
		log.Warn("the control bucket was created again; the pauses and suspensions that this worker knew were written into it", "keys", written)
	}
	return nil
}
