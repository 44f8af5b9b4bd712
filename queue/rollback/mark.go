package rollback

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/queue"
)

// readMark returns the stored mark and its revision; 0 if there is none.
func readMark(ctx context.Context, kv jetstream.KeyValue) (queue.HighWater, uint64, error) {
	entry, err := kv.Get(ctx, queue.KeyHighWater)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return queue.HighWater{}, 0, nil
	}
	if err != nil {
		return queue.HighWater{}, 0, fmt.Errorf("read key %s of bucket %s: %w", queue.KeyHighWater, queue.BucketControl, err)
	}
	var mark queue.HighWater
	if err := json.Unmarshal(entry.Value(), &mark); err != nil {
		return queue.HighWater{}, 0, fmt.Errorf("read key %s of bucket %s: it is not valid JSON; declare it again: ringonce streams declare", queue.KeyHighWater, queue.BucketControl)
	}
	return mark, entry.Revision(), nil
}

// writeMark replaces the mark of this revision, unless another worker wrote first.
// That one knew as much of an intact stream, and the next check compares again.
func writeMark(ctx context.Context, kv jetstream.KeyValue, mark queue.HighWater, revision uint64) (written bool, err error) {
	data, err := json.Marshal(mark)
	if err != nil {
		return false, fmt.Errorf("encode key %s of bucket %s: %w", queue.KeyHighWater, queue.BucketControl, err)
	}
	failpoint.Eval(failpoint.HighWaterBefore)
	if revision == 0 {
		_, err = kv.Create(ctx, queue.KeyHighWater, data)
	} else {
		_, err = kv.Update(ctx, queue.KeyHighWater, data, revision)
	}
	failpoint.Eval(failpoint.HighWaterAfter)
	switch {
	case errors.Is(err, jetstream.ErrKeyExists), queue.IsConflict(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("write key %s of bucket %s: %w", queue.KeyHighWater, queue.BucketControl, err)
	}
	return true, nil
}
