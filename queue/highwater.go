package queue

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
)

// HighWater is how far workers know CALL_RECORDS to have come. They keep it in
// another stream, and each for itself, so that they notice when the records forgot
// something: restored from an older copy, deleted and created again, purged, or
// with a setting under which messages vanish.
type HighWater struct {
	Created  time.Time `json:"created"` // the stream
	Sequence uint64    `json:"sequence"`
	// ValidFrom is the time from which the records are complete. A request published
	// before may have had a record that is gone.
	ValidFrom time.Time `json:"valid_from"`
	// Canary is the first message of the stream.
	Canary Canary `json:"canary,omitzero"`
	// Fault is the first that was found. It stands until an operator declares the
	// records valid: correcting its cause brings nothing back.
	Fault Fault `json:"fault,omitzero"`
	// DeclaredBy and DeclaredAt are of the last declaration, if there was one.
	DeclaredBy string    `json:"declared_by,omitzero"`
	DeclaredAt time.Time `json:"declared_at,omitzero"`
}

// SameEpoch reports whether both are about the same stream since the same
// declaration.
func (h HighWater) SameEpoch(other HighWater) bool {
	return h.Created.Equal(other.Created) && h.DeclaredAt.Equal(other.DeclaredAt)
}

// Supersedes reports whether h is about the same stream since a later declaration.
func (h HighWater) Supersedes(other HighWater) bool {
	return h.Created.Equal(other.Created) && h.DeclaredAt.After(other.DeclaredAt)
}

// Fault is a reason not to rely on CALL_RECORDS.
type Fault struct {
	Cause  call.RecordsFault `json:"cause"`
	Detail string            `json:"detail"`
}

// maxFaultDetail bounds what is remembered of a fault, in bytes.
const maxFaultDetail = 500

// Faultf returns a fault with a formatted detail.
func Faultf(cause call.RecordsFault, format string, args ...any) Fault {
	detail := fmt.Sprintf(format, args...)
	if len(detail) > maxFaultDetail {
		detail = detail[:maxFaultDetail] + "…"
	}
	return Fault{Cause: cause, Detail: detail}
}

// Found reports whether there is a fault.
func (f Fault) Found() bool { return f.Cause != "" }

// Or returns f if it was found, else the other.
func (f Fault) Or(other Fault) Fault {
	if f.Found() {
		return f
	}
	return other
}

// tracker is what one worker knows of CALL_RECORDS: how far it has come, and over
// which connection it was last found intact.
type tracker struct {
	mu       sync.Mutex
	mark     HighWater
	verified Generation
	claims   map[string]confirmedClaim // the last ones of this worker, by subject
	lost     HighWater                 // the mark when one of them was gone
	refused  bool                      // no write was confirmed since one was refused
}

// confirmedClaim is a claim that the stream confirmed, and the mark then.
type confirmedClaim struct {
	sequence uint64
	mark     HighWater
	at       time.Time
}

// claimTTL is for how long a claim, or the record that followed it, has to be
// there: far less than final records are kept.
const claimTTL = time.Hour

// HighWater returns how far this worker knows the records to have come.
func (t *tracker) HighWater() HighWater {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mark
}

// AdoptHighWater replaces the mark by one that was found valid: after an operator
// declared the records valid, sequences count on from there.
func (t *tracker) AdoptHighWater(h HighWater) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mark.SameEpoch(h) {
		h.Sequence = max(h.Sequence, t.mark.Sequence)
		h.Fault = t.mark.Fault.Or(h.Fault)
	}
	t.mark = h
}

// MergeHighWater advances the mark by that of another worker. A worker that has
// written little itself would otherwise not notice a rollback.
func (t *tracker) MergeHighWater(h HighWater) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.mark.SameEpoch(h):
		t.mark.Sequence = max(t.mark.Sequence, h.Sequence)
		t.mark.Fault = t.mark.Fault.Or(h.Fault)
	case h.Supersedes(t.mark):
		t.mark = h
	}
}

// advance moves the mark to a confirmed sequence. One that is not higher than
// before the write marks the stream that it was sent to as rolled back; for one
// that was declared meanwhile it proves nothing.
func (t *tracker) advance(sequence uint64, before HighWater) (version call.Version, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.mark.SameEpoch(before):
		return call.Version{}, false
	case sequence <= before.Sequence:
		t.mark.Fault = t.mark.Fault.Or(Faultf(call.RecordsRolledBack,
			"assigned sequence %d and had reached %d: it was restored from an older copy", sequence, before.Sequence))
		return call.Version{}, false
	}
	t.mark.Sequence = max(t.mark.Sequence, sequence)
	return call.Version{Created: t.mark.Created, Sequence: sequence}, true
}

// SetVerified sets the connection over which claims may go.
func (t *tracker) SetVerified(g Generation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.verified = g
}

// verifiedOn returns the connection over which claims may go.
func (t *tracker) verifiedOn() Generation {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mark.Fault.Found() {
		return NoGeneration
	}
	return t.verified
}

// noteWritten remembers a claim until its record is written again.
func (t *tracker) noteWritten(subject string, record call.Record, version call.Version, before HighWater) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = false
	if record.State == call.StateDialling {
		t.claims[subject] = confirmedClaim{sequence: version.Sequence, mark: before, at: time.Now()}
	} else {
		delete(t.claims, subject)
	}
}

// noteAbsent reports whether a record that was expected and is absent is a lost
// claim. A claim of this worker is followed by other records alone for a long time:
// if the same stream has none, it lost the claim, or never kept it.
func (t *tracker) noteAbsent(subject string, expected call.Version, before HighWater) (lost bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, claimed := t.claims[subject]
	delete(t.claims, subject)
	lost = claimed && c.sequence == expected.Sequence && c.mark.SameEpoch(before) && t.mark.SameEpoch(before) && time.Since(c.at) < claimTTL
	if lost {
		t.lost, t.verified = t.mark, NoGeneration
	}
	return lost
}

// LostClaim reports whether the stream lost a claim of this worker. It drops claims
// of calls that were given up.
func (t *tracker) LostClaim() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.claims, func(_ string, c confirmedClaim) bool { return time.Since(c.at) >= claimTTL })
	return !t.lost.Created.IsZero() && t.lost.SameEpoch(t.mark)
}

func (t *tracker) setRefused(refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = refused
}

func (t *tracker) wasRefused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}
