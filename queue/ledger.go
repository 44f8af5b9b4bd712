package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/failpoint"
)

// Ledger is what workers remember of CALL_RECORDS in another stream, so that
// they notice when it went back in time: restored from an older copy, or
// deleted and made anew.
type Ledger struct {
	Created time.Time `json:"created"`
	Highest uint64    `json:"highest"`
	// ValidFrom is from when on the records are complete. A request published
	// before may have had a record that is gone.
	ValidFrom time.Time `json:"valid_from"`
	// Regressed tells that somebody found it gone back in time. That is so until
	// it is declared, however far it counts on meanwhile.
	Regressed bool `json:"regressed,omitzero"`
	// By and Declared say who declared it and when, if somebody did.
	By       string    `json:"by,omitzero"`
	Declared time.Time `json:"declared,omitzero"`
}

// same reports whether both are about the same stream, as it is declared.
func (l Ledger) same(other Ledger) bool {
	return l.Created.Equal(other.Created) && l.Declared.Equal(other.Declared)
}

// after reports whether it is what was declared of the same stream later.
func (l Ledger) after(other Ledger) bool {
	return l.Created.Equal(other.Created) && l.Declared.After(other.Declared)
}

// RegressedError says how CALL_RECORDS went back in time. Nothing may be
// dialled until an operator declares from when on its records are valid.
type RegressedError struct {
	Remembered Ledger
	Created    time.Time
	Last       uint64
}

func (e *RegressedError) Error() string {
	if !e.Created.Equal(e.Remembered.Created) {
		return fmt.Sprintf("%s was made anew at %s (the one we knew is from %s): calls that it recorded may have been dialled; "+
			"declare from when on its records are valid: ringonce streams declare --valid-from TIME",
			StreamRecords, e.Created.Format(time.RFC3339), e.Remembered.Created.Format(time.RFC3339))
	}
	how := fmt.Sprintf("ends at sequence %d and had reached %d", e.Last, e.Remembered.Highest)
	if e.Last >= e.Remembered.Highest {
		how = fmt.Sprintf("had gone back before it reached sequence %d again", e.Last)
	}
	return fmt.Sprintf("%s %s: it was restored from an older copy; "+
		"declare from when on its records are valid: ringonce streams declare --valid-from TIME", StreamRecords, how)
}

// CheckLedger compares CALL_RECORDS with what is remembered of it, writes down
// how far it has come, and gives what is valid. The error is a
// [*RegressedError] if the stream went back in time.
func (c *Conn) CheckLedger(ctx context.Context) (Ledger, error) {
	return checkLedger(ctx, c.js, Ledger{})
}

// Check is [Conn.CheckLedger] with what this worker remembers as well. A worker
// that alone saw how far the stream had come, or that alone knows what was
// declared, tells the others, and itself after a restart, before it is forgotten.
// What it finds holds as long as the connection over which it asked.
func (r *Records) Check(ctx context.Context) (Ledger, error) {
	over := connectionOf(r.nc)
	valid, err := checkLedger(ctx, r.js, r.remembers())
	var regressed *RegressedError
	switch {
	case errors.As(err, &regressed):
		r.trust(noConnection)
	case err == nil && over != connectionOf(r.nc):
		err = errMoved
	case err == nil:
		r.trust(over)
	}
	return valid, err
}

func checkLedger(ctx context.Context, js jetstream.JetStream, own Ledger) (Ledger, error) {
	found, err := compareLedger(ctx, js, own)
	if !found.news {
		return found.valid, err
	}
	_, writeErr := writeLedger(ctx, found.kv, found.valid, found.revision)
	return found.valid, errors.Join(err, writeErr)
}

// PeekLedger is [Conn.CheckLedger] without writing anything down.
func (c *Conn) PeekLedger(ctx context.Context) (Ledger, error) {
	found, err := compareLedger(ctx, c.js, Ledger{})
	return found.valid, err
}

// comparison is what comparing CALL_RECORDS with its memory found.
type comparison struct {
	kv       jetstream.KeyValue
	valid    Ledger
	news     bool   // there is something new to remember
	revision uint64 // of what that replaces, 0 if there was nothing
}

// compareLedger looks at what is remembered first, and at the stream afterwards:
// the other way round the stream may come further between the two, another worker
// remember that, and a sound ledger look like one that went back.
func compareLedger(ctx context.Context, js jetstream.JetStream, own Ledger) (comparison, error) {
	kv, err := js.KeyValue(ctx, BucketControl)
	if err != nil {
		return comparison{}, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	known, revision, err := readLedger(ctx, kv)
	if err != nil {
		return comparison{}, err
	}
	s, err := js.Stream(ctx, StreamRecords)
	if err != nil {
		return comparison{}, fmt.Errorf("look up stream %s: %w", StreamRecords, err)
	}
	info := s.CachedInfo()
	created, last := info.Created.UTC(), info.State.LastSeq
	valid := reconcile(known, revision == 0, own, created, last)
	found := comparison{kv: kv, valid: valid, revision: revision}
	found.news = !valid.same(known) || valid.Highest != known.Highest || valid.Regressed != known.Regressed
	if valid.Regressed {
		return found, &RegressedError{Remembered: valid, Created: created, Last: last}
	}
	return found, nil
}

// reconcile gives what is to be remembered, from what the bucket says, what this
// worker knows, and how far the stream has come. It is regressed if the stream is
// not the one that is remembered, or not as far, or the bucket itself went back.
func reconcile(known Ledger, empty bool, own Ledger, created time.Time, last uint64) Ledger {
	valid := known
	switch knows := !own.Created.IsZero() && (!own.Created.Equal(created) || !own.Declared.IsZero()); {
	case empty && knows:
		valid = own // the bucket was lost, and with it what an operator said
	case empty:
		valid = Ledger{Created: created, ValidFrom: created}
	case own.after(known): // the bucket was put back to before that was said
		valid = own
		valid.Regressed = true
	}
	if own.same(valid) {
		valid.Highest = max(valid.Highest, own.Highest)
		valid.Regressed = valid.Regressed || own.Regressed
	}
	if !created.Equal(valid.Created) || last < valid.Highest {
		valid.Regressed = true
	}
	if !valid.Regressed {
		valid.Highest = last
	}
	return valid
}

// DeclareLedger accepts CALL_RECORDS as it is: its records are complete from
// validFrom on, and older requests end as too_old_to_know. It overrides
// whatever was remembered, also what cannot be read any more.
func (c *Conn) DeclareLedger(ctx context.Context, validFrom time.Time, by string, now time.Time) (Ledger, error) {
	s, err := c.js.Stream(ctx, StreamRecords)
	if err != nil {
		return Ledger{}, fmt.Errorf("look up stream %s: %w", StreamRecords, err)
	}
	kv, err := c.js.KeyValue(ctx, BucketControl)
	if err != nil {
		return Ledger{}, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	info := s.CachedInfo()
	l := Ledger{
		Created: info.Created.UTC(), Highest: info.State.LastSeq, ValidFrom: validFrom.UTC(),
		By: by, Declared: now.UTC().Round(0),
	}
	data, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("encode key %s of bucket %s: %w", keyLedger, BucketControl, err)
	}
	// Not a compare-and-set: a worker that compares at the same time must not
	// make an operator's word get lost.
	if _, err := kv.Put(ctx, keyLedger, data); err != nil {
		return l, fmt.Errorf("write key %s of bucket %s: %w", keyLedger, BucketControl, err)
	}
	return l, nil
}

func readLedger(ctx context.Context, kv jetstream.KeyValue) (Ledger, uint64, error) {
	entry, err := kv.Get(ctx, keyLedger)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Ledger{}, 0, nil
	}
	if err != nil {
		return Ledger{}, 0, fmt.Errorf("read key %s of bucket %s: %w", keyLedger, BucketControl, err)
	}
	var known Ledger
	if err := json.Unmarshal(entry.Value(), &known); err != nil {
		return Ledger{}, 0, fmt.Errorf("read key %s of bucket %s: it is not valid JSON; declare it anew: ringonce streams declare", keyLedger, BucketControl)
	}
	return known, entry.Revision(), nil
}

// writeLedger writes what is known now. A rival that wrote first knew as much:
// the next check compares again.
func writeLedger(ctx context.Context, kv jetstream.KeyValue, l Ledger, revision uint64) (Ledger, error) {
	data, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("encode key %s of bucket %s: %w", keyLedger, BucketControl, err)
	}
	failpoint.Here(failpoint.LedgerBefore)
	if revision == 0 {
		_, err = kv.Create(ctx, keyLedger, data)
	} else {
		_, err = kv.Update(ctx, keyLedger, data, revision)
	}
	failpoint.Here(failpoint.LedgerAfter)
	if err != nil && !errors.Is(err, jetstream.ErrKeyExists) && !isConflictError(err) {
		return l, fmt.Errorf("write key %s of bucket %s: %w", keyLedger, BucketControl, err)
	}
	return l, nil
}
