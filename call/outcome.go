package call

import (
	"slices"
	"time"
)

// Class is what an attempt came to, and so what is done about it.
type Class string

// The classes.
const (
	// Placed: the provider accepted the call.
	Placed Class = "placed"
	// Refused: proof that no call went out; it may be made again.
	Refused Class = "refused"
	// Rejected: the same request can never pass.
	Rejected Class = "rejected"
	// Suspended: every following call of the account would fail the same way.
	Suspended Class = "suspended"
	// Unknown: it may have rung. Never dialled again by the program.
	Unknown Class = "unknown"
)

// Classes lists all of them.
func Classes() []Class { return []Class{Placed, Refused, Rejected, Suspended, Unknown} }

// Outcome is what one attempt came to, with what the provider said.
type Outcome struct {
	Class  Class
	Reason Reason

	Status      int    // the HTTP status, 0 without an answer
	Message     string // what was said, masked
	RequestUUID string // the provider's name for the call; set exactly when placed

	// RetryAfter is the delay the provider asked for; 0 leaves it to us.
	RetryAfter time.Duration
	// Unspent marks a refusal that costs no attempt: the provider did not
	// judge this request.
	Unspent bool
	// ThrottlesAccount marks a refusal that every other call of the account would
	// meet as well until the delay is over.
	ThrottlesAccount bool
	// FeedsBreaker marks a refusal or an unknown that speaks of the provider's
	// health rather than of this call.
	FeedsBreaker bool
	// MayHaveRung marks a rejection that came after the phone may have rung.
	MayHaveRung bool
}

// IsAmbiguous reports whether nothing proves that no call went out: an unknown, or
// what provider.ambiguous: retry made a refusal of one.
func (o Outcome) IsAmbiguous() bool {
	return o.Class == Unknown || o.Class == Refused && slices.Contains(AttemptReasons(Unknown), o.Reason)
}
