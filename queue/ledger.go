package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// HighWater is what workers remember of CALL_RECORDS in another stream, so that
// they notice when it forgot something: restored from an older copy, deleted and
// made again, purged, or with a setting under which messages vanish.
type HighWater struct {
	Created  time.Time `json:"created"`
	Sequence uint64    `json:"sequence"`
	// ValidFrom is from when on the records are complete. A request published
	// before may have had a record that is gone.
	ValidFrom time.Time `json:"valid_from"`
	// Canary is the first message of the stream.
	Canary Canary `json:"canary,omitzero"`
	// Fault is what was found wrong first. It stands until an operator declares the
	// records valid, whatever is mended meanwhile: that brings nothing back.
	Fault Fault `json:"fault,omitzero"`
	// DeclaredBy and Declared say who declared it and when, if somebody did.
	DeclaredBy string    `json:"declared_by,omitzero"`
	DeclaredAt time.Time `json:"declared_at,omitzero"`
}

// Fault is a reason not to rely on CALL_RECORDS.
type Fault struct {
	Cause  call.RecordsFault `json:"cause"`
	Detail string            `json:"detail"`
}

func (f Fault) Found() bool { return f.Cause != "" }

// Or returns f if it was found, else the other.
func (f Fault) Or(other Fault) Fault {
	if f.Found() {
		return f
	}
	return other
}

func Faultf(cause call.RecordsFault, format string, args ...any) Fault {
	detail := fmt.Sprintf(format, args...)
	if len(detail) > maxFaultDetail {
		detail = detail[:maxFaultDetail] + "…"
	}
	return Fault{Cause: cause, Detail: detail}
}

// maxFaultDetail bounds what is remembered of a fault, in bytes.
const maxFaultDetail = 500

// SameEpoch reports whether both are about the same stream, as it is declared.
func (l HighWater) SameEpoch(other HighWater) bool {
	return l.Created.Equal(other.Created) && l.DeclaredAt.Equal(other.DeclaredAt)
}

// Supersedes reports whether it is what was declared of the same stream later.
func (l HighWater) Supersedes(other HighWater) bool {
	return l.Created.Equal(other.Created) && l.DeclaredAt.After(other.DeclaredAt)
}

// FaultError says why CALL_RECORDS is not relied on. Nothing may be dialled
// until an operator declares from when on its records are valid.
type FaultError struct {
	Fault        Fault
	HighWater    HighWater
	LastSequence uint64
	// Drift lists the settings that are still wrong.
	Drift []Drift
}

func (e *FaultError) Error() string {
	s := fmt.Sprintf("%s %s; ", StreamRecords, e.Fault.Detail)
	if len(e.Drift) > 0 {
		if now := DescribeDrift(e.Drift); !strings.Contains(e.Fault.Detail, now) {
			s += "now " + now + "; " // the fault is the first that was found
		}
		s += RepairRecords(e.Drift) + ", then "
	}
	return s + "declare from when on its records are valid: ringonce streams declare --valid-from TIME"
}

// CheckHighWater compares CALL_RECORDS with what is remembered of it, writes down
// how far it has come, and returns what is valid. The error is a [*FaultError] if
// the stream may have forgotten something.
func (c *Conn) CheckHighWater(ctx context.Context) (HighWater, error) {
	return checkLedger(ctx, c.js, HighWater{}, false)
}

// Verify is [Conn.CheckHighWater] with what this worker remembers as well. A worker
// that alone saw how far the stream had come, or that alone knows what was
// declared, tells the others, and itself after a restart, before it is forgotten.
// What it finds holds as long as the connection over which it asked.
func (r *Records) Verify(ctx context.Context) (HighWater, error) {
	over := generationOf(r.nc)
	valid, err := checkLedger(ctx, r.js, r.HighWater(), r.LostClaim())
	var fault *FaultError
	switch {
	case errors.As(err, &fault):
		r.MergeHighWater(valid) // it stands also if it could not be written down
		r.SetVerified(NoGeneration)
	case err == nil && over != generationOf(r.nc):
		err = ErrReconnected
	case err == nil:
		r.SetVerified(over)
	}
	return valid, err
}

func checkLedger(ctx context.Context, js jetstream.JetStream, own HighWater, lost bool) (HighWater, error) {
	for try := 1; ; try++ {
		found, err := compareLedger(ctx, js, own, lost)
		if err == nil && found.seen.last == 0 {
			if err := WriteFirstCanary(ctx, js); err != nil {
				return found.valid, err
			}
			found, err = compareLedger(ctx, js, own, lost)
		}
		if !found.news {
			return found.valid, err
		}
		written, writeErr := writeLedger(ctx, found.kv, found.valid, found.revision)
		if written || writeErr != nil || !found.valid.Fault.Found() || try == maxLedgerTries {
			return found.valid, errors.Join(err, writeErr)
		}
	}
}

// maxLedgerTries bounds how often a fault is written down while others write.
const maxLedgerTries = 3

// InspectHighWater is [Conn.CheckHighWater] without writing anything.
func (c *Conn) InspectHighWater(ctx context.Context) (HighWater, error) {
	found, err := compareLedger(ctx, c.js, HighWater{}, false)
	return found.valid, err
}

// comparison is what comparing CALL_RECORDS with its memory found.
type comparison struct {
	kv       jetstream.KeyValue
	seen     recordsState
	valid    HighWater
	news     bool   // there is something new to remember
	revision uint64 // of what that replaces, 0 if there was nothing
}

// recordsState is what CALL_RECORDS looks like.
type recordsState struct {
	created time.Time
	last    uint64
	canary  StoredCanary
	// wrong lists the settings under which it may forget, or confirm what it
	// does not keep.
	wrong []Drift
	lost  bool // a claim that it had confirmed is gone
}

func lookAtRecords(ctx context.Context, js jetstream.JetStream) (recordsState, error) {
	s, err := js.Stream(ctx, StreamRecords)
	if err != nil {
		return recordsState{}, fmt.Errorf("look up stream %s: %w", StreamRecords, err)
	}
	info := s.CachedInfo()
	seen := recordsState{
		created: info.Created.UTC(), last: info.State.LastSeq,
		wrong: RecordsDrift(info.Config),
	}
	if seen.last > 0 {
		seen.canary, err = ReadCanary(ctx, s)
	}
	return seen, err
}

// compareLedger looks at what is remembered first, and at the stream afterwards:
// the other way round the stream may come further between the two, another worker
// remember that, and a sound ledger look like one that went back.
func compareLedger(ctx context.Context, js jetstream.JetStream, own HighWater, lost bool) (comparison, error) {
	kv, err := js.KeyValue(ctx, BucketControl)
	if err != nil {
		return comparison{}, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	known, revision, err := readLedger(ctx, kv)
	if err != nil {
		return comparison{}, err
	}
	seen, err := lookAtRecords(ctx, js)
	if err != nil {
		return comparison{}, err
	}
	seen.lost = lost
	valid, fault := reconcile(known, revision == 0, own, seen)
	found := comparison{kv: kv, seen: seen, valid: valid, revision: revision}
	found.news = !valid.SameEpoch(known) || valid.Sequence != known.Sequence || valid.Canary != known.Canary || valid.Fault != known.Fault
	if fault.Found() {
		return found, &FaultError{Fault: fault, HighWater: valid, LastSequence: seen.last, Drift: seen.wrong}
	}
	return found, nil
}

// reconcile returns what is to be remembered, from what the bucket says, what this
// worker knows, and what the stream looks like, and what is wrong with the stream.
// That is remembered, too, unless the stream never held anything: such a one has
// forgotten nothing.
func reconcile(known HighWater, empty bool, own HighWater, seen recordsState) (valid HighWater, fault Fault) {
	valid = known
	putBack := false
	switch knows := !own.Created.IsZero() && (!own.Created.Equal(seen.created) || !own.DeclaredAt.IsZero()); {
	case empty && knows:
		valid = own // the bucket was lost, and with it what an operator said
	case empty:
		valid = HighWater{Created: seen.created, ValidFrom: seen.created}
	case own.Supersedes(known): // the bucket was put back to before that was said
		valid, putBack = own, true
	}
	if own.SameEpoch(valid) {
		valid.Sequence = max(valid.Sequence, own.Sequence)
		valid.Fault = valid.Fault.Or(own.Fault)
		if valid.Canary == (Canary{}) {
			valid.Canary = own.Canary
		}
	}
	if valid.Canary == (Canary{}) && seen.canary.Sequence == 1 {
		valid.Canary = seen.canary.Canary // it was not looked at before
	}
	found := examine(valid, putBack, seen)
	if fault = valid.Fault.Or(found); fault.Cause == call.RecordsRolledBack && found.Cause == call.RecordsRecreated {
		fault = found // a sequence that is given out again may also be another stream's
	}
	if seen.last > 0 || valid.Sequence > 0 {
		valid.Fault = fault
	}
	if !fault.Found() {
		valid.Sequence = seen.last
	}
	return valid, fault
}

// examine returns what is wrong with the stream as it is now, by what is remembered
// of it.
func examine(valid HighWater, putBack bool, seen recordsState) Fault {
	switch {
	case !seen.created.Equal(valid.Created):
		return Faultf(call.RecordsRecreated, "was made anew at %s (the one we knew is from %s): calls that it recorded may have been dialled",
			seen.created.Format(time.RFC3339), valid.Created.Format(time.RFC3339))
	case putBack:
		return Faultf(call.RecordsRolledBack, "was put back, with bucket %s, to before %s: it was restored from an older copy",
			BucketControl, valid.DeclaredAt.Format(time.RFC3339))
	case seen.last < valid.Sequence:
		return Faultf(call.RecordsRolledBack, "ends at sequence %d and had reached %d: it was restored from an older copy", seen.last, valid.Sequence)
	case len(seen.wrong) > 0:
		return Faultf(call.RecordsWrongSetting, "was found with a wrong setting and may have forgotten calls: %s", DescribeDrift(seen.wrong))
	case seen.last == 0 && valid.Canary == (Canary{}): // nothing was ever written
	case seen.canary.Sequence == 0, seen.canary.Canary != valid.Canary:
		return Faultf(call.RecordsCanaryLost, "has lost its first message, as by a limit, a purge or a deletion, and may have forgotten calls")
	case seen.lost:
		return Faultf(call.RecordsClaimLost, "has lost a claim that it had confirmed: it did not keep what it confirmed, or it was restored from an older copy")
	}
	return Fault{}
}

// DeclareRecords accepts CALL_RECORDS as it is: its records are complete from
// validFrom on, and older requests end as too_old_to_know. It overrides whatever
// was remembered, also what cannot be read any more, and writes the canary again
// where it is gone. What was recorded before the canary is gone or could vanish
// unnoticed, so that the records are valid from the canary on at the earliest.
// Settings that are still wrong are an error.
func (c *Conn) DeclareRecords(ctx context.Context, validFrom time.Time, by string, now time.Time) (HighWater, error) {
	seen, err := c.withCanary(ctx)
	if err != nil {
		return HighWater{}, err
	}
	kv, err := c.js.KeyValue(ctx, BucketControl)
	if err != nil {
		return HighWater{}, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	if validFrom.Before(seen.canary.Time) {
		validFrom = seen.canary.Time
	}
	l := HighWater{
		Created: seen.created, Sequence: seen.last, ValidFrom: validFrom.UTC(), Canary: seen.canary.Canary,
		DeclaredBy: by, DeclaredAt: now.UTC().Round(0),
	}
	data, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("encode key %s of bucket %s: %w", KeyHighWater, BucketControl, err)
	}
	// Not a compare-and-set: a worker that compares at the same time must not
	// make an operator's word get lost.
	if _, err := kv.Put(ctx, KeyHighWater, data); err != nil {
		return l, fmt.Errorf("write key %s of bucket %s: %w", KeyHighWater, BucketControl, err)
	}
	return l, nil
}

// withCanary returns what CALL_RECORDS looks like with a canary in it.
func (c *Conn) withCanary(ctx context.Context) (recordsState, error) {
	seen, err := lookAtRecords(ctx, c.js)
	switch {
	case err != nil:
		return seen, err
	case len(seen.wrong) > 0:
		return seen, fmt.Errorf("%s has a wrong setting: %s; %s, and declare again",
			StreamRecords, DescribeDrift(seen.wrong), RepairRecords(seen.wrong))
	case seen.canary.Sequence > 0:
		return seen, nil
	}
	if err := RewriteCanary(ctx, c.js); err != nil {
		return seen, err
	}
	if seen, err = lookAtRecords(ctx, c.js); err == nil && seen.canary.Sequence == 0 {
		err = fmt.Errorf("stream %s does not keep its canary", StreamRecords)
	}
	return seen, err
}

func readLedger(ctx context.Context, kv jetstream.KeyValue) (HighWater, uint64, error) {
	entry, err := kv.Get(ctx, KeyHighWater)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return HighWater{}, 0, nil
	}
	if err != nil {
		return HighWater{}, 0, fmt.Errorf("read key %s of bucket %s: %w", KeyHighWater, BucketControl, err)
	}
	var known HighWater
	if err := json.Unmarshal(entry.Value(), &known); err != nil {
		return HighWater{}, 0, fmt.Errorf("read key %s of bucket %s: it is not valid JSON; declare it again: ringonce streams declare", KeyHighWater, BucketControl)
	}
	return known, entry.Revision(), nil
}

// writeLedger writes what is known now, unless a rival wrote first. That one knew
// as much of a sound ledger, and the next check compares again.
func writeLedger(ctx context.Context, kv jetstream.KeyValue, l HighWater, revision uint64) (written bool, err error) {
	data, err := json.Marshal(l)
	if err != nil {
		return false, fmt.Errorf("encode key %s of bucket %s: %w", KeyHighWater, BucketControl, err)
	}
	failpoint.Eval(failpoint.HighWaterBefore)
	if revision == 0 {
		_, err = kv.Create(ctx, KeyHighWater, data)
	} else {
		_, err = kv.Update(ctx, KeyHighWater, data, revision)
	}
	failpoint.Eval(failpoint.HighWaterAfter)
	switch {
	case errors.Is(err, jetstream.ErrKeyExists), IsConflict(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("write key %s of bucket %s: %w", KeyHighWater, BucketControl, err)
	}
	return true, nil
}
