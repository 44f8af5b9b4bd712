package rollback

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// maxCheckTries bounds how often a fault is written down while others write.
const maxCheckTries = 3

// Check compares CALL_RECORDS with the high-water mark in CALL_CONTROL, advances
// the mark and returns it. The error is a [*FaultError] if the stream may have
// forgotten something.
func Check(ctx context.Context, conn *queue.Conn) (queue.HighWater, error) {
	return check(ctx, conn.JetStream(), queue.HighWater{}, false)
}

// Inspect is [Check] without writing anything.
func Inspect(ctx context.Context, conn *queue.Conn) (queue.HighWater, error) {
	found, err := compare(ctx, conn.JetStream(), queue.HighWater{}, false)
	return found.mark, err
}

// Verify is [Check] with what this worker knows as well. If it alone saw how far
// the stream had come, or what was declared, the mark passes it on to the others, and
// to itself after a restart. The result holds for the connection that the check went over.
func Verify(ctx context.Context, records *queue.Records) (queue.HighWater, error) {
	return verify(ctx, records.Conn().JetStream(), records)
}

func verify(ctx context.Context, js jetstream.JetStream, records *queue.Records) (queue.HighWater, error) {
	conn := records.Conn()
	generation := conn.Generation()
	mark, err := check(ctx, js, records.HighWater(), records.LostClaim())
	var fault *FaultError
	switch {
	case errors.As(err, &fault):
		records.MergeHighWater(mark) // the fault stands even if it could not be written down
		records.SetVerified(queue.NoGeneration)
	case err == nil && generation != conn.Generation():
		err = queue.ErrReconnected
	case err == nil:
		records.SetVerified(generation)
	}
	return mark, err
}

func check(ctx context.Context, js jetstream.JetStream, local queue.HighWater, lostClaim bool) (queue.HighWater, error) {
	for try := 1; ; try++ {
		found, err := compare(ctx, js, local, lostClaim)
		if err == nil && found.stream.last == 0 {
			if err := queue.WriteFirstCanary(ctx, js); err != nil {
				return found.mark, err
			}
			found, err = compare(ctx, js, local, lostClaim)
		}
		if !found.changed {
			return found.mark, err
		}
		written, writeErr := writeMark(ctx, found.kv, found.mark, found.revision)
		if written || writeErr != nil || !found.mark.Fault.Found() || try == maxCheckTries {
			return found.mark, errors.Join(err, writeErr)
		}
	}
}

// comparison is the result of comparing CALL_RECORDS with its high-water mark.
type comparison struct {
	kv       jetstream.KeyValue
	stream   streamState
	mark     queue.HighWater
	changed  bool   // the mark is to be written
	revision uint64 // of the stored mark, 0 if there is none
}

// streamState is the state of CALL_RECORDS.
type streamState struct {
	created time.Time
	last    uint64
	canary  queue.StoredCanary
	// drift lists the settings under which it may forget, or confirm what it
	// does not keep.
	drift     []queue.Drift
	lostClaim bool // a claim that it had confirmed is gone
}

func readStream(ctx context.Context, js jetstream.JetStream) (streamState, error) {
	s, err := js.Stream(ctx, queue.StreamRecords)
	if err != nil {
		return streamState{}, fmt.Errorf("look up stream %s: %w", queue.StreamRecords, err)
	}
	info := s.CachedInfo()
	state := streamState{created: info.Created.UTC(), last: info.State.LastSeq, drift: queue.RecordsDrift(info.Config)}
	if state.last > 0 {
		state.canary, err = queue.ReadCanary(ctx, s)
	}
	return state, err
}

// compare reads the mark before the stream. In the other order the stream could
// advance in between, another worker could advance the mark, and an intact stream
// would look like one that was rolled back.
func compare(ctx context.Context, js jetstream.JetStream, local queue.HighWater, lostClaim bool) (comparison, error) {
	kv, err := js.KeyValue(ctx, queue.BucketControl)
	if err != nil {
		return comparison{}, fmt.Errorf("open bucket %s: %w", queue.BucketControl, err)
	}
	stored, revision, err := readMark(ctx, kv)
	if err != nil {
		return comparison{}, err
	}
	stream, err := readStream(ctx, js)
	if err != nil {
		return comparison{}, err
	}
	stream.lostClaim = lostClaim
	mark, fault := merge(stored, revision == 0, local, stream)
	found := comparison{kv: kv, stream: stream, mark: mark, revision: revision}
	found.changed = !mark.SameEpoch(stored) || mark.Sequence != stored.Sequence || mark.Canary != stored.Canary || mark.Fault != stored.Fault
	if fault.Found() {
		return found, &FaultError{Fault: fault, HighWater: mark, LastSequence: stream.last, Drift: stream.drift}
	}
	return found, nil
}

// merge returns the next mark, from the stored one, what this worker knows and the
// state of the stream, and the fault of the stream. The mark keeps the fault,
// unless the stream never held anything: then it has forgotten nothing.
func merge(stored queue.HighWater, none bool, local queue.HighWater, stream streamState) (mark queue.HighWater, fault queue.Fault) {
	mark = stored
	restored := false
	switch knows := !local.Created.IsZero() && (!local.Created.Equal(stream.created) || !local.DeclaredAt.IsZero()); {
	case none && knows:
		mark = local // the bucket was lost, and with it what was declared
	case none:
		mark = queue.HighWater{Created: stream.created, ValidFrom: stream.created}
	case local.Supersedes(stored): // the bucket was restored to before the declaration
		mark, restored = local, true
	}
	if local.SameEpoch(mark) {
		mark.Sequence = max(mark.Sequence, local.Sequence)
		mark.Fault = mark.Fault.Or(local.Fault)
		if mark.Canary == (queue.Canary{}) {
			mark.Canary = local.Canary
		}
	}
	if mark.Canary == (queue.Canary{}) && stream.canary.Sequence == 1 {
		mark.Canary = stream.canary.Canary // it was not looked at before
	}
	found := findFault(mark, restored, stream)
	if fault = mark.Fault.Or(found); fault.Cause == call.RecordsRolledBack && found.Cause == call.RecordsRecreated {
		fault = found // a sequence that is assigned again may also be another stream's
	}
	if stream.last > 0 || mark.Sequence > 0 {
		mark.Fault = fault
	}
	if !fault.Found() {
		mark.Sequence = stream.last
	}
	return mark, fault
}

// findFault returns what is wrong with the stream as it is now, measured by the
// mark.
func findFault(mark queue.HighWater, restored bool, stream streamState) queue.Fault {
	switch {
	case !stream.created.Equal(mark.Created):
		return queue.Faultf(call.RecordsRecreated, "was created again at %s (the one we knew is from %s): calls that it recorded may have been dialled",
			stream.created.Format(time.RFC3339), mark.Created.Format(time.RFC3339))
	case restored:
		return queue.Faultf(call.RecordsRolledBack, "was restored, with bucket %s, to before %s, from an older copy",
			queue.BucketControl, mark.DeclaredAt.Format(time.RFC3339))
	case stream.last < mark.Sequence:
		return queue.Faultf(call.RecordsRolledBack, "ends at sequence %d and had reached %d: it was restored from an older copy", stream.last, mark.Sequence)
	case len(stream.drift) > 0:
		return queue.Faultf(call.RecordsWrongSetting, "was found with a wrong setting and may have forgotten calls: %s", queue.DescribeDrift(stream.drift))
	case stream.last == 0 && mark.Canary == (queue.Canary{}): // nothing was ever written
	case stream.canary.Sequence == 0, stream.canary.Canary != mark.Canary:
		return queue.Faultf(call.RecordsCanaryLost, "has lost its first message, as by a limit, a purge or a deletion, and may have forgotten calls")
	case stream.lostClaim:
		return queue.Faultf(call.RecordsClaimLost, "has lost a claim that it had confirmed: it did not keep what it confirmed, or it was restored from an older copy")
	}
	return queue.Fault{}
}

// advisoryUpdated is where the broker publishes that the settings of CALL_RECORDS
// were changed.
const advisoryUpdated = "$JS.EVENT.ADVISORY.STREAM.UPDATED." + queue.StreamRecords

// OnUpdated has f called whenever the settings of CALL_RECORDS are changed, until
// stop is called. It is a hint: without the permission, or a connection at that
// moment, the next check finds out.
func OnUpdated(conn *queue.Conn, f func()) (stop func(), err error) {
	s, err := conn.NATS().Subscribe(advisoryUpdated, func(*nats.Msg) { f() })
	if err != nil {
		return nil, fmt.Errorf("subscribe to changes of stream %s: %w", queue.StreamRecords, err)
	}
	return func() { _ = s.Unsubscribe() }, nil // fails if the connection is closed, which ends it too
}
