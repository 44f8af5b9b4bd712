package simulator

import (
	"fmt"
	"net/http"
)

// refusal is an error that the provider answers: an HTTP status and the text of
// its {"message"} envelope.
type refusal struct {
	status  int
	message string
	// result is what the oracle calls it.
	result string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

// What the oracle calls a POST that no fault struck.
const (
	ResultAccepted     = "accepted"
	ResultInvalid      = "invalid_request"
	ResultUnauthorized = "unauthorized"
	ResultNotLinked    = "number_not_linked"
	ResultRateLimited  = "rate_limited"
	ResultClosing      = "closing"
	ResultNotReceived  = "body_not_received"
)

// The texts below are quoted from the provider's documentation.
var (
	errNoKey       = &refusal{http.StatusUnauthorized, "UnAuthorized, Please Provide API Key", ResultUnauthorized}
	errWrongKey    = &refusal{http.StatusUnauthorized, "UnAuthorized, Please Provide Valid API Key", ResultUnauthorized}
	errNoApp       = &refusal{http.StatusNotFound, "SFVoPI app not found", ""}
	errNotOwned    = &refusal{http.StatusBadRequest, "VoIP number not found or does not belong to this org", ""}
	errLinkedElse  = &refusal{http.StatusConflict, "VoIP number is already linked to another SFVoPI app", ""}
	errNotThisApp  = &refusal{http.StatusNotFound, "Number not linked to this app", ""}
	errClosing     = &refusal{http.StatusServiceUnavailable, "Simulator is closing", ResultClosing}
	errTooMany     = &refusal{http.StatusTooManyRequests, "Too many requests", ResultRateLimited}
	errTooLarge    = &refusal{http.StatusRequestEntityTooLarge, "request entity too large", ResultInvalid}
	errNotJSONType = &refusal{http.StatusUnsupportedMediaType, "Content-Type must be application/json", ResultInvalid}
)

func invalid(format string, values ...any) *refusal {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, values...), ResultInvalid}
}

func notLinked(number string) *refusal {
	return &refusal{
		http.StatusBadRequest,
		"VoIP number " + number + " is not linked to any SFVoPI app for this org",
		ResultNotLinked,
	}
}
