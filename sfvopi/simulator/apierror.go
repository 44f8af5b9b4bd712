package simulator

import (
	"fmt"
	"net/http"
)

// apiError is an error that the provider answers: an HTTP status and the text of
// its {"message"} envelope.
type apiError struct {
	status  int
	message string
	// result is what the oracle calls it.
	result string
}

func (r *apiError) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

// The results of a POST to which no fault applied.
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
	errNoKey       = &apiError{http.StatusUnauthorized, "UnAuthorized, Please Provide API Key", ResultUnauthorized}
	errWrongKey    = &apiError{http.StatusUnauthorized, "UnAuthorized, Please Provide Valid API Key", ResultUnauthorized}
	errNoApp       = &apiError{http.StatusNotFound, "SFVoPI app not found", ""}
	errNotOwned    = &apiError{http.StatusBadRequest, "VoIP number not found or does not belong to this org", ""}
	errLinkedElse  = &apiError{http.StatusConflict, "VoIP number is already linked to another SFVoPI app", ""}
	errNotThisApp  = &apiError{http.StatusNotFound, "Number not linked to this app", ""}
	errClosing     = &apiError{http.StatusServiceUnavailable, "Simulator is closing", ResultClosing}
	errTooMany     = &apiError{http.StatusTooManyRequests, "Too many requests", ResultRateLimited}
	errTooLarge    = &apiError{http.StatusRequestEntityTooLarge, "request entity too large", ResultInvalid}
	errNotJSONType = &apiError{http.StatusUnsupportedMediaType, "Content-Type must be application/json", ResultInvalid}
)

func invalid(format string, values ...any) *apiError {
	return &apiError{http.StatusBadRequest, fmt.Sprintf(format, values...), ResultInvalid}
}

func notLinked(number string) *apiError {
	return &apiError{
		http.StatusBadRequest,
		"VoIP number " + number + " is not linked to any SFVoPI app for this org",
		ResultNotLinked,
	}
}
