package queue

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// ErrRolledBack reports that CALL_RECORDS assigned a sequence for the second time:
// it was restored from a copy or created again, and what it says of earlier calls
// cannot be trusted.
var ErrRolledBack = errors.New("the stream of call records went back in time")

// ErrUnverified reports that a claim was not sent, because CALL_RECORDS was not
// verified since the connection was made again: behind it may be an older copy.
var ErrUnverified = errors.New("the call records were not verified since the connection was made again")

// Retention is how long final records are kept.
type Retention struct {
	Placed time.Duration // records.keep
	Dead   time.Duration // dead.keep, for all other final states
}

// Records is the store of call records, CALL_RECORDS: the one place that decides
// who may dial.
type Records struct {
	tracker
	conn       *Conn
	stream     jetstream.Stream
	retention  Retention
	onRollback func()
}

// NewRecords opens the records. There is nothing yet that they could contradict, so
// claims may go over this connection. onRollback is called, from any goroutine, when
// the stream is found to be rolled back.
func (c *Conn) NewRecords(ctx context.Context, retention Retention, onRollback func()) (*Records, error) {
	generation := c.Generation()
	s, err := c.js.Stream(ctx, StreamRecords)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", StreamRecords, ExplainJetStream(err))
	}
	return &Records{
		conn: c, stream: s, retention: retention, onRollback: onRollback,
		tracker: tracker{
			mark:     HighWater{Created: s.CachedInfo().Created.UTC()},
			verified: generation, claims: map[string]confirmedClaim{},
		},
	}, nil
}

// Conn returns the connection that the records are read and written over.
func (r *Records) Conn() *Conn { return r.conn }

// Read asks the leader for the record of a call. A call without one has a record in
// call.StateAbsent and version 0.
func (r *Records) Read(ctx context.Context, a call.Account, id call.ID) (call.Record, call.Version, error) {
	record, _, version, err := r.read(ctx, a, id)
	return record, version, err
}

func (r *Records) read(ctx context.Context, a call.Account, id call.ID) (call.Record, []byte, call.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	msg, err := r.stream.GetLastMsgForSubject(ctx, recordSubject(a, id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return call.Record{}, nil, call.Version{Created: r.HighWater().Created}, nil
	}
	if err != nil {
		return call.Record{}, nil, call.Version{}, fmt.Errorf("read the record of a call: %w", err)
	}
	record, err := call.DecodeRecord(msg.Data)
	return record, msg.Data, call.Version{Created: r.HighWater().Created, Sequence: msg.Sequence}, err
}

// ForEach calls visit with every record of an account, or of all if a is empty, and
// returns how many there are. It only counts those that cannot be read: a newer
// worker wrote them.
func (r *Records) ForEach(ctx context.Context, a call.Account, visit func(call.Record) error) (n int, err error) {
	subject := recordSubject(cmp.Or(a, "*"), "*")
	err = scan(ctx, r.conn.js, StreamRecords, []string{subject}, false, func(msg jetstream.Msg) (bool, error) {
		n++
		record, err := call.DecodeRecord(msg.Data())
		if err != nil {
			return true, nil //nolint:nilerr // only counted
		}
		err = visit(record)
		return err == nil, err
	})
	return n, err
}

// AccountsOf returns the accounts that have a record of this id.
func (r *Records) AccountsOf(ctx context.Context, id call.ID) ([]call.Account, error) {
	subjects, err := ListSubjects(ctx, r.conn.js, StreamRecords, recordSubject("*", id))
	var accounts []call.Account
	for _, subject := range subjects {
		account, _, _ := strings.Cut(strings.TrimPrefix(subject, RecordsPrefix), ".")
		accounts = append(accounts, call.Account(account))
	}
	return accounts, err
}

// Put writes the record if its version is still the expected one, and returns the
// new version. [call.ErrConflict]: it is not. [call.ErrUncertain]: it is not known
// whether it was written, or still will be. A lost confirmation is read back from
// the leader, so a nil error means that the stream holds this very record.
//
// A claim goes only over a connection over which the records were verified; else it
// is not sent, and the error is [ErrUnverified].
func (r *Records) Put(ctx context.Context, record call.Record, expected call.Version) (call.Version, error) {
	data, err := record.Encode()
	if err != nil {
		return call.Version{}, err
	}
	before, generation := r.HighWater(), anyGeneration
	if record.State == call.StateDialling {
		if generation = r.verifiedOn(); generation != r.conn.Generation() {
			return call.Version{}, ErrUnverified
		}
	}
	m := &nats.Msg{Subject: recordSubject(record.Account, record.ID), Data: data, Header: nats.Header{}}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(expected.Sequence, 10))
	if ttl := r.ttl(record); ttl > 0 {
		SetTTL(m, ttl)
	}
	sequence, err := r.conn.publishOn(ctx, generation, StreamRecords, m)
	switch {
	case errors.Is(err, ErrReconnected): // to records that were not verified
		return call.Version{}, fmt.Errorf("%w: %w", call.ErrUncertain, err)
	case err != nil:
		r.noteRefused(err)
		version, err := r.readBack(ctx, record, data, expected, before, err)
		if err == nil {
			r.noteWritten(m.Subject, record, version, before)
		}
		return version, err
	}
	failpoint.Eval(failpoint.RecordStored)
	version, err := r.confirm(sequence, before)
	if err == nil {
		r.noteWritten(m.Subject, record, version, before)
	}
	return version, err
}

// readBack finds out what became of a write whose confirmation was an error or was
// lost. Equal bytes are this write only at a higher sequence than the version that
// it replaces: a record may be rewritten unchanged. A claim has a nonce of its own;
// the same rewrite may also be another worker's, made before.
func (r *Records) readBack(
	ctx context.Context, record call.Record, data []byte, expected call.Version, before HighWater, cause error,
) (call.Version, error) {
	failpoint.Eval(failpoint.RecordReadBack)
	_, stored, version, err := r.read(ctx, record.Account, record.ID)
	if err == nil && version.Sequence == 0 && r.noteAbsent(recordSubject(record.Account, record.ID), expected, before) {
		r.onRollback()
	}
	switch {
	case stored != nil && bytes.Equal(stored, data) && version.Sequence > expected.Sequence &&
		(record.State == call.StateDialling || version.Sequence > before.Sequence):
		return r.confirm(version.Sequence, before)
	case errors.Is(cause, call.ErrConflict):
		return call.Version{}, call.ErrConflict
	case err == nil && version.Sequence > expected.Sequence:
		// Another version took its place: the write can no longer succeed.
		return call.Version{}, call.ErrConflict
	default:
		return call.Version{}, fmt.Errorf("%w: %w", call.ErrUncertain, cause)
	}
}

// confirm checks that the stream counts upward: a confirmed sequence is higher than
// any that was confirmed before the write was sent.
func (r *Records) confirm(sequence uint64, before HighWater) (call.Version, error) {
	version, advanced := r.advance(sequence, before)
	if !advanced {
		r.onRollback()
		return call.Version{}, fmt.Errorf("%w: %w", call.ErrUncertain, ErrRolledBack)
	}
	return version, nil
}

// ttl is how long a final record is kept; other records stay until they are final.
func (r *Records) ttl(record call.Record) time.Duration {
	switch {
	case record.State == call.StatePlaced:
		return r.retention.Placed
	case record.State.Final():
		return r.retention.Dead
	default:
		return 0
	}
}

// probeSubject is where [Records.ProbeWrites] writes. Like the canary's it is no
// record's.
const probeSubject = RecordsPrefix + "probe"

// neverSequence is a version that no message has.
const neverSequence = math.MaxInt64

var errNoAnswer = errors.New("the broker does not answer")

// noteRefused notes that a write was not confirmed. A conflict is a confirmation
// like any other.
func (r *Records) noteRefused(err error) {
	if !errors.Is(err, call.ErrConflict) && r.conn.nc.IsConnected() {
		r.setRefused(true)
	}
}

// ProbeWrites returns why CALL_RECORDS takes no writes, nil if it does.
//
// It publishes a write that the leader has to refuse: a stored message would use up
// a sequence, and by sequences workers notice an older copy. A stream that is full
// refuses only what it would store. So after a write was refused it publishes one
// that can be stored, until one is confirmed.
func (r *Records) ProbeWrites(ctx context.Context) error {
	before, generation, store := r.HighWater(), r.verifiedOn(), r.wasRefused()
	if generation != r.conn.Generation() { // nothing is stored before the records are verified
		generation, store = anyGeneration, false
	}
	m := &nats.Msg{Subject: probeSubject, Header: nats.Header{}}
	if !store {
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(neverSequence, 10))
	}
	sequence, err := r.conn.publishOn(ctx, generation, StreamRecords, m)
	switch {
	case errors.Is(err, call.ErrConflict), errors.Is(err, ErrReconnected):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		err = errNoAnswer
	}
	if err != nil {
		return fmt.Errorf("%s does not take writes, so that nothing is dialled: %w; look at its size, its settings, its leader and "+
			"the permission to publish to %s>, such as with: nats stream info %[1]s", StreamRecords, err, RecordsPrefix)
	}
	r.setRefused(false)
	_, _ = r.confirm(sequence, before) // a sequence that is too low halts the lanes there
	return nil
}
