package queue

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// ErrRolledBack says that CALL_RECORDS gave out a sequence it had given
// before: it was restored from a copy or made anew, and what it says of calls
// before now cannot be trusted.
var ErrRolledBack = errors.New("the stream of call records went back in time")

// ErrUnverified says that a claim was not sent, because CALL_RECORDS was not
// checked since the connection was made anew: behind it may be an older copy.
var ErrUnverified = errors.New("the call records were not checked since the connection was made anew")

// Retention says how long final records are remembered.
type Retention struct {
	Placed time.Duration // records.keep
	Dead   time.Duration // dead.keep, for all other final states
}

// Records is the ledger: the one place that decides who may dial.
type Records struct {
	nc        *nats.Conn
	answers   *replyMux
	js        jetstream.JetStream
	stream    jetstream.Stream
	keep      Retention
	regressed func()

	mu sync.Mutex
	// known is what this worker goes by, with the highest sequence that it knows
	// to have been given out.
	known HighWater
	// checked is the connection over which it was last found to hold.
	checked Generation
	// claims are those that this worker wrote last, by subject.
	claims map[string]confirmedClaim
	// lost is the ledger from which one of them vanished.
	lost HighWater
	// refused says that a write was not confirmed since the last one that was.
	refused bool
}

// confirmedClaim is a claim that the ledger, as it was known then, confirmed.
type confirmedClaim struct {
	sequence uint64
	ledger   HighWater
	at       time.Time
}

// claimKept is for how long a claim, or the record that followed it, has to be
// there: far less than final records are remembered.
const claimKept = time.Hour

// NewRecords opens the ledger. There is nothing yet that it could contradict, so
// claims may go over this connection. regressed is told, from whatever goroutine
// finds out, that the stream went back in time.
func (c *Conn) NewRecords(ctx context.Context, keep Retention, regressed func()) (*Records, error) {
	over := generationOf(c.nc)
	s, err := c.js.Stream(ctx, StreamRecords)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", StreamRecords, ExplainJetStream(err))
	}
	return &Records{
		nc: c.nc, answers: c.replies, js: c.js, stream: s, keep: keep, regressed: regressed,
		known: HighWater{Created: s.CachedInfo().Created.UTC()}, checked: over, claims: map[string]confirmedClaim{},
	}, nil
}

// Created is when this incarnation of the ledger began.
func (r *Records) Created() time.Time { return r.HighWater().Created }

// Highest is the highest sequence that the ledger is known to have given out.
func (r *Records) Highest() uint64 { return r.HighWater().Sequence }

func (r *Records) HighWater() HighWater {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known
}

// AdoptHighWater takes over what was found valid: after the stream was made anew or
// restored, and an operator declared its records valid, it counts on from there.
func (r *Records) AdoptHighWater(l HighWater) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known.SameEpoch(l) {
		l.Sequence = max(l.Sequence, r.known.Sequence)
		l.Fault = r.known.Fault.Or(l.Fault)
	}
	r.known = l
}

// MergeHighWater takes over how far another worker saw the stream come, and what it knows
// to have been declared. A worker that has written little itself would not notice
// otherwise that the stream went back.
func (r *Records) MergeHighWater(l HighWater) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.known.SameEpoch(l):
		r.known.Sequence = max(r.known.Sequence, l.Sequence)
		r.known.Fault = r.known.Fault.Or(l.Fault)
	case l.Supersedes(r.known):
		r.known = l
	}
}

// Read asks the leader for the record of a call. A call without one gives a
// record in call.StateAbsent and version 0.
func (r *Records) Read(ctx context.Context, a call.Account, id call.ID) (call.Record, call.Version, error) {
	record, _, version, err := r.read(ctx, a, id)
	return record, version, err
}

func (r *Records) read(ctx context.Context, a call.Account, id call.ID) (call.Record, []byte, call.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	msg, err := r.stream.GetLastMsgForSubject(ctx, RecordSubject(a, id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return call.Record{}, nil, call.Version{Created: r.Created()}, nil
	}
	if err != nil {
		return call.Record{}, nil, call.Version{}, fmt.Errorf("read the record of a call: %w", err)
	}
	record, err := call.DecodeRecord(msg.Data)
	return record, msg.Data, call.Version{Created: r.Created(), Sequence: msg.Sequence}, err
}

// ForEach calls visit with every record of an account, or of all if a is empty, and
// returns how many there are. It only counts those that cannot be read: a newer
// worker wrote them.
func (r *Records) ForEach(ctx context.Context, a call.Account, visit func(call.Record) error) (n int, err error) {
	subject := RecordSubject(cmp.Or(a, "*"), "*")
	err = scan(ctx, r.js, StreamRecords, []string{subject}, false, func(msg jetstream.Msg) (bool, error) {
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
	subjects, err := ListSubjects(ctx, r.js, StreamRecords, RecordSubject("*", id))
	var accounts []call.Account
	for _, subject := range subjects {
		account, _, _ := strings.Cut(strings.TrimPrefix(subject, RecordsPrefix), ".")
		accounts = append(accounts, call.Account(account))
	}
	return accounts, err
}

// Put writes the record if its version is still the expected one, and gives
// the new version. [call.ErrConflict]: it is not. [call.ErrUncertain]: it is not
// known whether it was written, or still will be. A lost answer is read back
// from the leader, so a nil error means that the ledger holds this very record.
//
// A claim goes only over a connection over which the ledger was checked; else it
// is not sent, and the error is [ErrUnverified].
func (r *Records) Put(ctx context.Context, record call.Record, expected call.Version) (call.Version, error) {
	data, err := record.Encode()
	if err != nil {
		return call.Version{}, err
	}
	before, over := r.HighWater(), anyGeneration
	if record.State == call.StateDialling {
		if over = r.checkedOver(); over != generationOf(r.nc) {
			return call.Version{}, ErrUnverified
		}
	}
	m := &nats.Msg{Subject: RecordSubject(record.Account, record.ID), Data: data, Header: nats.Header{}}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(expected.Sequence, 10))
	if ttl := r.ttl(record); ttl > 0 {
		SetTTL(m, ttl)
	}
	sequence, err := publishOn(ctx, r.answers, over, StreamRecords, m)
	switch {
	case errors.Is(err, ErrReconnected): // to records that nobody has checked
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
	version, err := r.confirmed(sequence, before)
	if err == nil {
		r.noteWritten(m.Subject, record, version, before)
	}
	return version, err
}

// readBack finds out what became of a write whose answer was an error or was
// lost. Equal bytes are this write only at a higher sequence than the version
// that it replaces: a record may be rewritten as it is. A claim has a nonce of
// its own; the same rewrite may also be another worker's, made before.
func (r *Records) readBack(
	ctx context.Context, record call.Record, data []byte, expected call.Version, before HighWater, cause error,
) (call.Version, error) {
	failpoint.Eval(failpoint.RecordReadBack)
	_, stored, version, err := r.read(ctx, record.Account, record.ID)
	if err == nil && version.Sequence == 0 {
		r.noteAbsent(RecordSubject(record.Account, record.ID), expected, before)
	}
	switch {
	case stored != nil && bytes.Equal(stored, data) && version.Sequence > expected.Sequence &&
		(record.State == call.StateDialling || version.Sequence > before.Sequence):
		return r.confirmed(version.Sequence, before)
	case errors.Is(cause, call.ErrConflict):
		return call.Version{}, call.ErrConflict
	case err == nil && version.Sequence > expected.Sequence:
		// Another version took its place: the write can no longer succeed.
		return call.Version{}, call.ErrConflict
	default:
		return call.Version{}, fmt.Errorf("%w: %w", call.ErrUncertain, cause)
	}
}

// noteWritten remembers a claim until its record is written again.
func (r *Records) noteWritten(subject string, record call.Record, version call.Version, before HighWater) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = false
	if record.State == call.StateDialling {
		r.claims[subject] = confirmedClaim{sequence: version.Sequence, ledger: before, at: time.Now()}
	} else {
		delete(r.claims, subject)
	}
}

// noteAbsent takes in that a call has no record where this one was expected. A
// claim of this worker can only be followed by other records, for a long time: if
// the same ledger has none, it confirmed what it did not keep, or lost it.
func (r *Records) noteAbsent(subject string, expected call.Version, before HighWater) {
	r.mu.Lock()
	c, claimed := r.claims[subject]
	delete(r.claims, subject)
	lost := claimed && c.sequence == expected.Sequence && c.ledger.SameEpoch(before) && r.known.SameEpoch(before) && time.Since(c.at) < claimKept
	if lost {
		r.lost, r.checked = r.known, NoGeneration
	}
	r.mu.Unlock()
	if lost {
		r.regressed()
	}
}

// LostClaim reports whether this ledger lost a claim of this worker, and drops
// claims of calls that were given up.
func (r *Records) LostClaim() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.claims, func(_ string, c confirmedClaim) bool { return time.Since(c.at) >= claimKept })
	return !r.lost.Created.IsZero() && r.lost.SameEpoch(r.known)
}

// confirmed checks that the stream counts upward: a confirmed sequence is
// higher than any that was confirmed before the write was sent.
func (r *Records) confirmed(sequence uint64, before HighWater) (call.Version, error) {
	version, advanced := r.advance(sequence, before)
	if !advanced {
		r.regressed()
		return call.Version{}, fmt.Errorf("%w: %w", call.ErrUncertain, ErrRolledBack)
	}
	return version, nil
}

// advance takes a confirmed sequence in. One that is not higher marks the ledger
// that it was sent to, and not the one that an operator declared meanwhile: for
// that, it says nothing.
func (r *Records) advance(sequence uint64, before HighWater) (version call.Version, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.known.SameEpoch(before):
		return call.Version{}, false
	case sequence <= before.Sequence:
		r.known.Fault = r.known.Fault.Or(Faultf(call.RecordsRolledBack,
			"gave out sequence %d and had reached %d: it was restored from an older copy", sequence, before.Sequence))
		return call.Version{}, false
	}
	r.known.Sequence = max(r.known.Sequence, sequence)
	return call.Version{Created: r.known.Created, Sequence: sequence}, true
}

// checkedOver gives the connection over which claims may go.
func (r *Records) checkedOver() Generation {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known.Fault.Found() {
		return NoGeneration
	}
	return r.checked
}

// SetVerified says over which connection claims may go.
func (r *Records) SetVerified(over Generation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked = over
}

// ttl is how long a final record is remembered; other records stay until they
// are final.
func (r *Records) ttl(record call.Record) time.Duration {
	switch {
	case record.State == call.StatePlaced:
		return r.keep.Placed
	case record.State.Final():
		return r.keep.Dead
	default:
		return 0
	}
}
