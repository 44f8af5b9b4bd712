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

// Provider places calls: one POST for each Place. The others ring nobody: Probe
// asks whether the key is accepted, Reach whether anything answers at all.
type Provider interface {
	Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome
	Probe(ctx context.Context) error
	ProbeReachable(ctx context.Context) error
}

// PeerNotifier are the other workers of an account. What they are told may be lost.
type PeerNotifier interface {
	Notify(a call.Account, f call.PeerEvent) error
}

// Directory knows which numbers are linked to which apps.
type Directory interface {
	Lookup(ctx context.Context, from call.Phone, appID string, published time.Time) call.Linkage
	Invalidate(from call.Phone)
}

// Control keeps the flags that stop an account, for all workers.
type Control interface {
	// Suspend gives the suspension that is in force then: this one, or another
	// that it does not supersede.
	Suspend(ctx context.Context, a call.Account, s call.Suspension) (held call.Suspension, err error)
	Lift(ctx context.Context, a call.Account, s call.Suspension) error
	ClearLifted(ctx context.Context, a call.Account) error
}

// RateLimiter is one account's part in a limit that all workers share. Reserve gives
// moments at which one call each may be begun: about n of them, none much later
// than ahead from now. Unless it gives so many, it says when to ask again.
type RateLimiter interface {
	Reserve(ctx context.Context, n int, ahead time.Duration) (moments []time.Time, again time.Time, err error)
}

// Message is the message behind a delivery.
type Message interface {
	Ack() error
	Nak(delay time.Duration) error
}
