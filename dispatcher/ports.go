package dispatcher

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
)

// RecordStore keeps the records of calls. Put is a compare-and-set: it returns
// call.ErrConflict if the record is no longer at the expected version, and
// call.ErrUncertain if it is not known whether it was written.
type RecordStore interface {
	Read(ctx context.Context, a call.Account, id call.ID) (call.Record, call.Version, error)
	Put(ctx context.Context, r call.Record, expected call.Version) (call.Version, error)
}

// Scheduler brings a call back at its NextAt. Scheduling it again replaces the
// time.
type Scheduler interface {
	Schedule(ctx context.Context, r call.Record, v call.Version) error
}

// DeadLetters keeps dead letters. Putting one again changes nothing. body is the
// request, for a record that does not hold it.
type DeadLetters interface {
	Put(ctx context.Context, r call.Record, body []byte) error
	// PutConflict is for a request whose id belongs to another one.
	PutConflict(ctx context.Context, r call.Record, body []byte) error
	Delete(ctx context.Context, a call.Account, reason call.Reason, id call.ID) error
}

// Provider places calls: one POST for each Place.
type Provider interface {
	Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome
}

// Directory knows which numbers are linked to which apps.
type Directory interface {
	Lookup(ctx context.Context, from call.Phone, appID string, published time.Time) call.Linkage
	Invalidate(from call.Phone)
}

// Message is the message of a delivery.
type Message interface {
	Ack() error
	// Nak hands the message back, to be delivered again after the delay.
	Nak(delay time.Duration) error
}
