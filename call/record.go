package call

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// State is how far a call got.
type State string

// The states. A call without a record is StateAbsent, which is never stored.
const (
	StateAbsent    State = ""
	StateWaiting   State = "waiting"   // between attempts: parked, or in its stream while the account is suspended
	StateDialling  State = "dialling"  // claimed by a worker; its outcome is not recorded yet
	StatePlaced    State = "placed"    // the provider accepted it
	StateDead      State = "dead"      // ended without a call, or rang and failed
	StateUnknown   State = "unknown"   // may have rung; waits for evidence or an operator
	StateCancelled State = "cancelled" // cancelled before it was dialled
)

// States lists the states that are stored.
func States() []State {
	return []State{StateWaiting, StateDialling, StatePlaced, StateDead, StateUnknown, StateCancelled}
}

// Final reports whether nothing more will happen to the call by itself.
func (s State) Final() bool {
	return s == StatePlaced || s == StateDead || s == StateCancelled
}

// Record is the one durable record of a call, which makes dialling it again safe.
// It is changed only by compare-and-set on its [Version], and only by the
// transitions of this package.
type Record struct {
	Format   int      `json:"format"`
	Account  Account  `json:"account"`
	ID       ID       `json:"id"`
	Digest   Digest   `json:"digest,omitzero"`
	Origin   Origin   `json:"origin"`
	Priority Priority `json:"priority,omitzero"`
	Trace    string   `json:"traceparent,omitzero"`
	// Request is what the publisher sent, byte for byte. It is empty if that was
	// larger than MaxRequestSize; then only the dead letter has it.
	Request []byte `json:"request,omitzero"`

	State   State     `json:"state"`
	Changed time.Time `json:"changed"`
	// Since is when the request's age began to count: when it was first
	// published, or last replayed.
	Since time.Time `json:"since"`

	// Made counts all attempts, Spent those that count against
	// retry.max_attempts since Since. Attempts holds the first and the latest.
	Made     int       `json:"made,omitzero"`
	Spent    int       `json:"spent,omitzero"`
	Attempts []Attempt `json:"attempts,omitzero"`

	// NextAt is when a waiting call may be dialled. Parked reports where it
	// waits: in its own schedule, or in its original message.
	NextAt time.Time `json:"next_at,omitzero"`
	Parked bool      `json:"parked,omitzero"`

	Reason      Reason `json:"reason,omitzero"`
	Message     string `json:"message,omitzero"`
	MayHaveRung bool   `json:"may_have_rung,omitzero"`
	Discarded   bool   `json:"discarded,omitzero"` // its dead letter was given up
	RequestUUID string `json:"request_uuid,omitzero"`

	Notes []Note `json:"notes,omitzero"`
}

// Attempt is one POST to the provider, recorded before it is sent.
type Attempt struct {
	N           int       `json:"n"`
	Worker      string    `json:"worker"`
	Nonce       string    `json:"nonce"` // identifies this claim
	ClaimedAt   time.Time `json:"claimed_at"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	Class       Class     `json:"class,omitzero"` // empty until it is known
	Reason      Reason    `json:"reason,omitzero"`
	Status      int       `json:"status,omitzero"`
	Message     string    `json:"message,omitzero"`
	RequestUUID string    `json:"request_uuid,omitzero"`
	Spent       bool      `json:"spent,omitzero"`
}

// Note is what an operator did to a call.
type Note struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
	Why  string    `json:"why,omitzero"`
}

// Version is what compare-and-set compares: the sequence of a record, and the
// creation time of its stream, which changes when the stream is recreated. A
// record that does not exist has sequence 0.
type Version struct {
	Created  time.Time
	Sequence uint64
}

const (
	recordFormat = 1
	// These keep a record below 128 KiB, far below the broker's message limit,
	// however often a call is refused without spending an attempt and whatever
	// the provider and operators write.
	maxAttemptsKept = 32
	maxNotesKept    = 16
	maxNameLength   = 128 // of a worker, an operator, or a call at the provider
	maxNoteReason   = 512
	maxTrace        = 128 // a W3C traceparent has 55 bytes
)

// NewRecord returns the record of a call that has none yet. Its state is
// StateAbsent until a transition.
func NewRecord(a Account, id ID, digest Digest, o Origin, p Priority, trace string, request []byte) Record {
	if len(request) > MaxRequestSize {
		request = nil
	}
	if len(trace) > maxTrace {
		trace = ""
	}
	o.Published = o.Published.UTC()
	return Record{
		Format: recordFormat, Account: a, ID: id, Digest: digest, Origin: o, Priority: p,
		Trace: trace, Request: request, Since: o.Published,
	}
}

var (
	errRecordFormat  = errors.New("written by a newer ringonce: its format is not known here; update this worker")
	errRecordInvalid = errors.New("decode the record of a call: it is not valid")
)

// DecodeRecord reads the stored form. It ignores unknown fields, so that workers
// of two versions can run side by side; a higher format is an error.
func DecodeRecord(data []byte) (Record, error) {
	var r Record
	err := json.Unmarshal(data, &r)
	if err == nil && r.Format == recordFormat {
		return r, nil
	}
	// A newer format may hold other types, so only its number is read.
	var newer struct {
		Format int `json:"format"`
	}
	if json.Unmarshal(data, &newer) == nil && newer.Format > recordFormat {
		return Record{}, fmt.Errorf("decode the record of a call: format %d: %w", newer.Format, errRecordFormat)
	}
	// The cause could repeat the record's content.
	return Record{}, errRecordInvalid
}

// Nonce identifies the latest claim; empty if there was none.
func (r Record) Nonce() string {
	if a := r.last(); a != nil {
		return a.Nonce
	}
	return ""
}

// LastAttempt returns the latest attempt; ok is false if there was none.
func (r Record) LastAttempt() (a Attempt, ok bool) {
	if last := r.last(); last != nil {
		return *last, true
	}
	return Attempt{}, false
}

// TrailingAttempts counts the latest attempts in a row that ended for this reason.
// It skips an attempt without an outcome, so that the count does not change before
// that outcome is written.
func (r Record) TrailingAttempts(reason Reason) int {
	ended := r.Attempts
	if n := len(ended); n > 0 && ended[n-1].Class == "" {
		ended = ended[:n-1]
	}
	n := 0
	for i := len(ended) - 1; i >= 0 && ended[i].Reason == reason; i-- {
		n++
	}
	return n
}

func (r Record) last() *Attempt {
	if len(r.Attempts) == 0 {
		return nil
	}
	return &r.Attempts[len(r.Attempts)-1]
}

// clone copies what a transition writes to, so that the receiver does not change.
func (r Record) clone() Record {
	r.Attempts = slices.Clone(r.Attempts)
	r.Notes = slices.Clone(r.Notes)
	return r
}

func (r Record) withNote(n Note) Record {
	r.Notes = append(r.Notes, Note{
		At: n.At.UTC(), By: sanitize(n.By, maxNameLength), What: sanitize(n.What, maxNameLength), Why: sanitize(n.Why, maxNoteReason),
	})
	if len(r.Notes) > maxNotesKept {
		r.Notes = slices.Delete(r.Notes, 1, 2)
	}
	return r
}

// HasOutcome reports whether the record already holds an outcome of this class
// for the attempt with this nonce.
func (r Record) HasOutcome(nonce string, c Class) bool {
	for _, a := range r.Attempts {
		if a.Nonce == nonce {
			return a.Class == c
		}
	}
	return false
}

// Resolved reports whether an operator declared that the call rang, without an
// answer of the provider.
func (r Record) Resolved() bool { return r.State == StatePlaced && r.RequestUUID == "" }
