package call

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// HookKind is what a webhook reports.
type HookKind string

// The kinds that the provider is given our URLs for.
const (
	HookRing   HookKind = "ring"   // the phone starts to ring
	HookHangup HookKind = "hangup" // the call ended, answered or not
)

// HookKinds lists both.
func HookKinds() []HookKind { return []HookKind{HookRing, HookHangup} }

// CallStatus is how a call ended.
type CallStatus string

// The statuses of the provider's hangup hook, and NotReported.
const (
	Completed   CallStatus = "completed"
	NoAnswer    CallStatus = "no_answer"
	Busy        CallStatus = "busy"
	Canceled    CallStatus = "canceled"
	Failed      CallStatus = "failed"
	NotReported CallStatus = "not_reported" // no hook came before the call could only be over
)

// CallStatuses lists all of them.
func CallStatuses() []CallStatus {
	return []CallStatus{Completed, NoAnswer, Busy, Canceled, Failed, NotReported}
}

// HookRef names the attempt that a hook is about. It is what the token in a
// callback URL carries, so that a hook is identified by its address alone.
type HookRef struct {
	Account Account
	ID      ID
	Attempt int
	// ClaimedAt tells the attempt from one of another call: ids are used again,
	// and records expire.
	ClaimedAt time.Time
	Kind      HookKind
}

// Hook is what the provider reported about the call of one attempt.
type Hook struct {
	HookRef
	ReceivedAt time.Time
	// Evidence reports whether the body names a call. Without it the hook is
	// doubt: somebody opened the URL.
	Evidence bool

	CallUUID    string
	RequestUUID string
	Status      CallStatus // of a hangup; empty if it names none that is known
	Duration    int        // seconds
	Cause       string     // a Q.850 code
	AnsweredAt  time.Time  // zero if the hook does not say
	EndedAt     time.Time  // zero if the hook does not say
}

// maxHookText bounds what a record keeps of a hook's text.
const maxHookText = 128

// ParseHook reads the body of a hook leniently: what it does not need, or cannot
// read, harms nothing. It is evidence if it is a JSON object with a call_uuid or
// request_uuid that is neither null nor empty.
func ParseHook(ref HookRef, body []byte, receivedAt time.Time) Hook {
	h := Hook{HookRef: ref, ReceivedAt: receivedAt.UTC()}
	d := jsontext.NewDecoder(strings.NewReader(strings.TrimPrefix(string(body), byteOrderMark)),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return h
	}
	read := h
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return h // what is no JSON is no evidence
		}
		field := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return h
		}
		read.set(field, hookText(value))
	}
	if _, err := d.ReadToken(); err != nil {
		return h
	}
	read.Evidence = read.CallUUID != "" || read.RequestUUID != ""
	return read
}

// set keeps the first value of a field.
func (h *Hook) set(field, value string) {
	switch field {
	case "call_uuid":
		keepFirst(&h.CallUUID, value)
	case "request_uuid":
		keepFirst(&h.RequestUUID, value)
	case "call_status":
		if h.Kind == HookHangup && h.Status == "" {
			h.Status = parseCallStatus(value)
		}
	case "hangup_cause":
		keepFirst(&h.Cause, value)
	case "duration":
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds <= 2*maxCallTimeLimit {
			h.Duration = int(seconds)
		}
	case "answer_at", "answered_at":
		keepFirstTime(&h.AnsweredAt, value)
	case "ended_at":
		keepFirstTime(&h.EndedAt, value)
	}
}

// hookText returns a scalar as text; empty for null, objects and arrays.
func hookText(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil && len(text) == 0 {
			return ""
		}
		return sanitize(string(text), maxHookText)
	case '0':
		return sanitize(string(v), maxHookText)
	default:
		return ""
	}
}

func parseCallStatus(s string) CallStatus {
	switch strings.ToUpper(s) {
	case "COMPLETED":
		return Completed
	case "NO_ANSWER":
		return NoAnswer
	case "BUSY":
		return Busy
	case "CANCELED", "CANCELLED":
		return Canceled
	case "FAILED":
		return Failed
	default:
		return ""
	}
}

func keepFirst(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func keepFirstTime(field *time.Time, value string) {
	if t, err := time.Parse(time.RFC3339Nano, value); err == nil && field.IsZero() && t.Year() > 2000 && t.Year() < 9000 {
		*field = t.UTC()
	}
}
