package rollback

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
)

// Declare accepts CALL_RECORDS as it is: its records are complete from validFrom
// on, and older requests end as too_old_to_know. It overrides the stored mark, also
// one that cannot be read, and writes the canary again where it is gone. Records
// from before the canary are gone or could vanish unnoticed, so that they are valid
// from the canary on at the earliest. Settings that are still wrong are an error.
func Declare(ctx context.Context, conn *queue.Conn, validFrom time.Time, by string, now time.Time) (queue.HighWater, error) {
	js := conn.JetStream()
	stream, err := readStreamWithCanary(ctx, js)
	if err != nil {
		return queue.HighWater{}, err
	}
	kv, err := js.KeyValue(ctx, queue.BucketControl)
	if err != nil {
		return queue.HighWater{}, fmt.Errorf("open bucket %s: %w", queue.BucketControl, err)
	}
	if validFrom.Before(stream.canary.Time) {
		validFrom = stream.canary.Time
	}
	mark := queue.HighWater{
		Created: stream.created, Sequence: stream.last, ValidFrom: validFrom.UTC(), Canary: stream.canary.Canary,
		DeclaredBy: by, DeclaredAt: now.UTC().Round(0),
	}
	data, err := json.Marshal(mark)
	if err != nil {
		return mark, fmt.Errorf("encode key %s of bucket %s: %w", queue.KeyHighWater, queue.BucketControl, err)
	}
	// Not a compare-and-set: a check at the same time must not undo a declaration.
	if _, err := kv.Put(ctx, queue.KeyHighWater, data); err != nil {
		return mark, fmt.Errorf("write key %s of bucket %s: %w", queue.KeyHighWater, queue.BucketControl, err)
	}
	return mark, nil
}

// readStreamWithCanary returns the state of CALL_RECORDS, with a canary in it.
func readStreamWithCanary(ctx context.Context, js jetstream.JetStream) (streamState, error) {
	stream, err := readStream(ctx, js)
	switch {
	case err != nil:
		return stream, err
	case len(stream.drift) > 0:
		return stream, fmt.Errorf("%s has a wrong setting: %s; %s, and declare again",
			queue.StreamRecords, queue.DescribeDrift(stream.drift), queue.RepairRecords(stream.drift))
	case stream.canary.Sequence > 0:
		return stream, nil
	}
	if err := queue.RewriteCanary(ctx, js); err != nil {
		return stream, err
	}
	if stream, err = readStream(ctx, js); err == nil && stream.canary.Sequence == 0 {
		err = fmt.Errorf("stream %s does not keep its canary", queue.StreamRecords)
	}
	return stream, err
}
