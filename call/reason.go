package call

// Reason is a cause: one closed list for metric labels, dead-letter subjects,
// logs and what the commands print.
type Reason string

// Reasons for which a request ends without a call.
const (
	Malformed         Reason = "malformed"          // not a request at all: JSON, size, fields, id
	InvalidRequest    Reason = "invalid_request"    // a field out of its bounds, or the provider's 400
	NumberNotLinked   Reason = "number_not_linked"  // the caller ID is not linked to an ACTIVE app
	Expired           Reason = "expired"            // past expires_at or request.max_age
	AttemptsExhausted Reason = "attempts_exhausted" // refused as often as retry.max_attempts allows
	IDConflict        Reason = "id_conflict"        // the id is in use for a request with other content
	TooOldToKnow      Reason = "too_old_to_know"    // older than the records: it may have been dialled
	Poison            Reason = "poison"             // handling it panics, or kills workers
	WebhookFailed     Reason = "webhook_failed"     // it was picked up, and its answer webhook failed
	OutcomeUnknown    Reason = "outcome_unknown"    // it may have rung; held for evidence or an operator
	UnknownAccount    Reason = "unknown_account"    // no worker serves the account
	Discarded         Reason = "discarded"          // an operator gave it up
	Cancelled         Reason = "cancelled"          // taken back before it was dialled
	NotPermitted      Reason = "not_permitted"      // any other 4xx: the provider will not place it
)

// Reasons for which an attempt was refused and may be repeated.
const (
	ServiceUnavailable Reason = "service_unavailable" // the provider says so, or declares itself not handling
	InitiateFailed     Reason = "initiate_failed"     // "Failed to initiate outbound call"
	RateLimited        Reason = "rate_limited"        // 429
	Capacity           Reason = "capacity"            // out of channels, throttled: a long retry
	NotHandled         Reason = "not_handled"         // 425, 408 before the request was complete
	NotSent            Reason = "not_sent"            // no byte of the request was written
	OutOfResources     Reason = "out_of_resources"    // this machine has no file descriptor or memory for a connection
	OriginUnreachable  Reason = "origin_unreachable"  // 521, 523, 525, 526
	LinkageUnknown     Reason = "linkage_unknown"     // the look-up failed; nothing was dialled
	Interrupted        Reason = "interrupted"         // stopped, or too late, before the request was written
	NotYet             Reason = "not_yet"             // before not_before; nothing was dialled
	Paused             Reason = "paused"              // an operator paused the caller ID; nothing was dialled
)

// Reasons for which an account is suspended.
const (
	Unauthorized       Reason = "unauthorized"        // 401
	PaymentRequired    Reason = "payment_required"    // 402
	Forbidden          Reason = "forbidden"           // 403
	EndpointMissing    Reason = "endpoint_missing"    // 404, 405, 415, 501 on this path: wrong base URL
	Redirected         Reason = "redirected"          // 307, 308, never followed
	CertificateInvalid Reason = "certificate_invalid" // never fall back to insecure
	AccountBlocked     Reason = "account_blocked"     // the carrier names balance, credentials or configuration
)

// Reasons for which it is not known whether the phone rang.
const (
	TimedOut       Reason = "timed_out"       // no answer in time, after the first byte was written
	ConnectionLost Reason = "connection_lost" // reset or closed after the first byte was written
	BadAnswer      Reason = "bad_answer"      // not HTTP, cut short, 2xx without a request_uuid, or one that contradicts itself
	Ambiguous      Reason = "ambiguous"       // a status that says nothing either way
	CarrierLost    Reason = "carrier_lost"    // it failed to initiate, in a carrier's words that prove nothing
	WorkerLost     Reason = "worker_lost"     // the worker that claimed it recorded no outcome
)

// Reasons for which a lane is stopped.
const (
	ShuttingDown     Reason = "shutting_down"     // the worker stops, or no longer serves the account
	RecordsUnchecked Reason = "records_unchecked" // the call records were not verified over this connection yet
	RecordsUntrusted Reason = "records_untrusted" // the check of the call records failed
	FlagsUnknown     Reason = "flags_unknown"     // the control flags cannot be read
	NumbersUnknown   Reason = "numbers_unknown"   // no look-up of the account's numbers has succeeded yet
	LookupsRefused   Reason = "lookups_refused"   // the provider refuses the first look-up, for the key or the account
	RateUnknown      Reason = "rate_unknown"      // calls per second cannot be counted
)

// Accepted is the reason of an attempt that was placed.
const Accepted Reason = "accepted"

// EndReasons lists every reason for which a dead letter is written.
func EndReasons() []Reason {
	return []Reason{
		Malformed, InvalidRequest, NumberNotLinked, Expired, AttemptsExhausted, IDConflict,
		TooOldToKnow, Poison, WebhookFailed, OutcomeUnknown, UnknownAccount, NotPermitted,
	}
}

// StopReasons lists every reason for which a lane is stopped.
func StopReasons() []Reason {
	return []Reason{ShuttingDown, RecordsUnchecked, RecordsUntrusted, FlagsUnknown, NumbersUnknown, LookupsRefused, RateUnknown}
}

// AttemptReasons lists, for every class, the reasons an attempt of that class
// can have.
func AttemptReasons(c Class) []Reason {
	switch c {
	case Placed:
		return []Reason{Accepted}
	case Refused:
		return []Reason{
			ServiceUnavailable, InitiateFailed, RateLimited, Capacity, NotHandled,
			NotSent, OutOfResources, OriginUnreachable, Interrupted, Ambiguous, TimedOut, ConnectionLost, BadAnswer, CarrierLost,
		}
	case Rejected:
		return []Reason{NumberNotLinked, InvalidRequest, WebhookFailed, NotPermitted}
	case Suspended:
		return []Reason{
			Unauthorized, PaymentRequired, Forbidden, EndpointMissing, Redirected, CertificateInvalid, AccountBlocked,
		}
	case Unknown:
		return []Reason{TimedOut, ConnectionLost, BadAnswer, Ambiguous, CarrierLost, WorkerLost, Poison}
	default:
		return nil
	}
}
