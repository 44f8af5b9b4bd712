package dispatcher

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
)

// RecordStore keeps the records of calls. Put is a compare-and-set: call.ErrConflict
// says that the record is no longer at the expected version,
// call.ErrUncertain that nobody knows whether it was written.
type RecordStore interface {
	Read(ctx context.Context, a call.Account, id call.ID) (call.Record, call.Version, error)
	Put(ctx context.Context, r call.Record, expected call.Version) (call.Version, error)
}

// Scheduler is where a call waits for its NextAt. Parking it again changes
// nothing but the time.
type Scheduler interface {
	Schedule(ctx context.Context, r call.Record, v call.Version) error
}

// DeadLetters keeps dead letters. Burying again changes nothing.
type DeadLetters interface {
	Put(ctx context.Context, r call.Record, body []byte) error
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

// Message is the message behind a delivery.
type Message interface {
	Ack() error
	Nak(delay time.Duration) error
}
