package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"
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
	By        string    `json:"by,omitzero"` // who declared it, if somebody did
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
	return fmt.Sprintf("%s ends at sequence %d and had reached %d: it was restored from an older copy; "+
		"declare from when on its records are valid: ringonce streams declare --valid-from TIME",
		StreamRecords, e.Last, e.Remembered.Highest)
}

// CheckLedger compares CALL_RECORDS with what is remembered of it, writes down
// how far it has come, and gives what is valid. The error is a
// [*RegressedError] if the stream went back in time.
func (c *Conn) CheckLedger(ctx context.Context) (Ledger, error) {
	s, err := c.js.Stream(ctx, StreamRecords)
	if err != nil {
		return Ledger{}, fmt.Errorf("look up stream %s: %w", StreamRecords, err)
	}
	info := s.CachedInfo()
	created, last := info.Created.UTC(), info.State.LastSeq
	kv, err := c.js.KeyValue(ctx, BucketControl)
	if err != nil {
		return Ledger{}, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	known, revision, err := readLedger(ctx, kv)
	if err != nil {
		return Ledger{}, err
	}
	if revision == 0 {
		return writeLedger(ctx, kv, Ledger{Created: created, Highest: last, ValidFrom: created}, 0)
	}
	if !created.Equal(known.Created) || last < known.Highest {
		return known, &RegressedError{Remembered: known, Created: created, Last: last}
	}
	if last == known.Highest {
		return known, nil
	}
	known.Highest = last
	return writeLedger(ctx, kv, known, revision)
}

// DeclareLedger accepts CALL_RECORDS as it is: its records are complete from
// validFrom on, and older requests end as too_old_to_know.
func (c *Conn) DeclareLedger(ctx context.Context, validFrom time.Time, by string) (Ledger, error) {
	s, err := c.js.Stream(ctx, StreamRecords)
	if err != nil {
		return Ledger{}, fmt.Errorf("look up stream %s: %w", StreamRecords, err)
	}
	kv, err := c.js.KeyValue(ctx, BucketControl)
	if err != nil {
		return Ledger{}, fmt.Errorf("open bucket %s: %w", BucketControl, err)
	}
	_, revision, err := readLedger(ctx, kv)
	if err != nil {
		return Ledger{}, err
	}
	info := s.CachedInfo()
	return writeLedger(ctx, kv, Ledger{
		Created: info.Created.UTC(), Highest: info.State.LastSeq, ValidFrom: validFrom.UTC(), By: by,
	}, revision)
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
	if revision == 0 {
		_, err = kv.Create(ctx, keyLedger, data)
	} else {
		_, err = kv.Update(ctx, keyLedger, data, revision)
	}
	if err != nil && !errors.Is(err, jetstream.ErrKeyExists) && !isConflict(err) {
		return l, fmt.Errorf("write key %s of bucket %s: %w", keyLedger, BucketControl, err)
	}
	return l, nil
}
