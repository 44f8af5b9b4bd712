package call

import (
	"slices"
	"time"
)

// Class is the kind of an outcome, which determines what is done about it.
type Class string

// The classes.
const (
	// Placed: the provider accepted the call.
	Placed Class = "placed"
	// Refused: proof that no call went out; it may be dialled again.
	Refused Class = "refused"
	// Rejected: the same request can never pass.
	Rejected Class = "rejected"
	// Suspended: every following call of the account would fail the same way.
	Suspended Class = "suspended"
	// Unknown: it may have rung; never dialled again by the program.
	Unknown Class = "unknown"
)

// Classes lists all of them.
func Classes() []Class { return []Class{Placed, Refused, Rejected, Suspended, Unknown} }

// Outcome is the result of one attempt.
type Outcome struct {
	Class  Class
	Reason Reason

	Status      int    // the HTTP status, 0 without an answer
	Message     string // the provider's or the network's, masked
	RequestUUID string // the provider's id of the call; set exactly when placed

	// RetryAfter is the delay that the provider asked for; 0 if it asked for none.
	RetryAfter time.Duration
	// Unspent marks a refusal that costs no attempt: the provider did not judge
	// this request.
	Unspent bool
	// ThrottlesAccount marks a refusal that every call of the account would get
	// until the delay is over.
	ThrottlesAccount bool
	// FeedsBreaker marks a refusal or an unknown that indicates the provider's
	// health rather than a fault of this call.
	FeedsBreaker bool
	// MayHaveRung marks a rejection that came after the phone may have rung.
	MayHaveRung bool
}

// IsAmbiguous reports whether nothing proves that no call went out: an unknown, or
// one that provider.ambiguous: retry turned into a refusal.
func (o Outcome) IsAmbiguous() bool {
	return o.Class == Unknown || o.Class == Refused && slices.Contains(AttemptReasons(Unknown), o.Reason)
}
