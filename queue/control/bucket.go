package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
)

// Prefixes of keys, before an account or a hash, and whole keys.
const (
	keySuspended   = "suspended."
	keyPaused      = "paused."
	keyPausedAll   = "paused-all"
	keyNumberPause = "paused-number."
	keyResumed     = "resumed."
	keyWorker      = "worker."
)

// Bucket is CALL_CONTROL.
type Bucket struct {
	conn *queue.Conn
	log  *slog.Logger
}

// New returns the bucket; nothing is asked of the broker yet.
func New(conn *queue.Conn, log *slog.Logger) *Bucket { return &Bucket{conn: conn, log: log} }

func (b *Bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	kv, err := b.conn.JetStream().KeyValue(ctx, queue.BucketControl)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("open bucket %s: %w; make it with: ringonce streams apply", queue.BucketControl, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", queue.BucketControl, err)
	}
	return kv, nil
}

func (b *Bucket) put(ctx context.Context, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	if _, err := kv.Put(ctx, key, data); err != nil {
		return fmt.Errorf("set key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	return nil
}

// putWithTTL sets a key that the broker removes after this time.
func (b *Bucket) putWithTTL(ctx context.Context, key string, value any, ttl time.Duration) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	m := &nats.Msg{Subject: "$KV." + queue.BucketControl + "." + key, Data: data, Header: nats.Header{}}
	queue.SetTTL(m, ttl)
	if _, err := b.conn.Publish(ctx, "KV_"+queue.BucketControl, m); err != nil {
		return fmt.Errorf("set key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	return nil
}

func (b *Bucket) remove(ctx context.Context, key string) error {
	kv, err := b.open(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	if err := kv.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete key %s of bucket %s: %w", key, queue.BucketControl, err)
	}
	return nil
}
