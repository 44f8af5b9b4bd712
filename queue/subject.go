package queue

import (
	"errors"
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
)

// The streams. [Topology] describes each.
const (
	StreamCalls   = "CALLS"        // normal requests
	StreamUrgent  = "CALLS_URGENT" // urgent ones
	StreamBulk    = "CALLS_BULK"   // and bulk
	StreamParked  = "CALLS_PARKED"
	StreamRecords = "CALL_RECORDS"
	StreamDead    = "CALLS_DEAD"
	StreamRate    = "CALL_RATE"
	BucketControl = "CALL_CONTROL"
	// KeyHighWater is where the bucket keeps the [HighWater] mark.
	KeyHighWater = "highwater"
)

// RequestStreams lists where requests wait, the most pressing first. Each
// priority has a stream of its own: an acknowledgement asks all consumers of its
// stream, and each of these has one for each account.
func RequestStreams() []string { return []string{StreamUrgent, StreamCalls, StreamBulk} }

// WorkQueues lists the streams that are empty when every request has come to its
// end or is held as unknown.
func WorkQueues() []string { return append(RequestStreams(), StreamParked) }

// StreamOf is the stream in which requests of a priority wait.
func StreamOf(p call.Priority) string {
	switch p {
	case call.Urgent:
		return StreamUrgent
	case call.Bulk:
		return StreamBulk
	case call.Normal:
	}
	return StreamCalls
}

// Origin names a message of a stream of requests.
func Origin(stream string, sequence uint64, published time.Time) call.Origin {
	if stream == StreamCalls {
		stream = ""
	}
	return call.Origin{Stream: stream, Sequence: sequence, Published: published.UTC()}
}

// originStream returns the stream in which the message waits, or waited.
func originStream(o call.Origin) string {
	if o.Stream == "" {
		return StreamCalls
	}
	return o.Stream
}

// What the subjects of each kind begin with.
const (
	RequestsPrefix = "calls.requests."
	ParkedPrefix   = "calls.parked."
	DuePrefix      = "calls.due."
	RecordsPrefix  = "calls.records."
	DeadPrefix     = "calls.dead."
	RatePrefix     = "calls.rate."
)

// RequestSubject is where publishers ask for calls.
func RequestSubject(a call.Account, p call.Priority) string {
	if p == "" || p == call.Normal {
		return RequestsPrefix + string(a)
	}
	return StoredSubject(a, p)
}

// StoredSubject is where its stream keeps a request of this priority, whether or not
// its publisher named it.
func StoredSubject(a call.Account, p call.Priority) string {
	return RequestsPrefix + string(a) + "." + string(p)
}

// parkedSubject is where the schedule of a call waits.
func parkedSubject(a call.Account, id call.ID) string {
	return ParkedPrefix + string(a) + "." + string(id)
}

// DueSubject is where the calls of an account come back.
func DueSubject(a call.Account, p call.Priority) string {
	if p == "" {
		p = call.Normal
	}
	return DuePrefix + string(a) + "." + string(p)
}

// recordSubject is where the record of a call is.
func recordSubject(a call.Account, id call.ID) string {
	return RecordsPrefix + string(a) + "." + string(id)
}

// deadSubject is where a dead letter is; token is its [DeadLetter.SubjectToken].
func deadSubject(a call.Account, r call.Reason, token string) string {
	return DeadPrefix + string(a) + "." + string(r) + "." + token
}

var errSubject = errors.New("not a subject of ours")

// parseSubject returns the account and the priority of a request or a due call. They
// come from the subject alone: NATS permissions bind a publisher to its subject. A
// last token that is no priority is returned as it is, for the worker to end the
// request by.
func parseSubject(subject string) (call.Account, call.Priority, error) {
	rest, ok := strings.CutPrefix(subject, RequestsPrefix)
	if !ok {
		if rest, ok = strings.CutPrefix(subject, DuePrefix); !ok {
			return "", "", errSubject
		}
	}
	name, last, hasPriority := strings.Cut(rest, ".")
	account, err := call.ParseAccount(name)
	if err != nil {
		return "", "", err
	}
	if !hasPriority {
		return account, call.Normal, nil
	}
	return account, call.Priority(last), nil
}

// parseDeadSubject returns the account, the reason and the token of a dead letter.
func parseDeadSubject(subject string) (a call.Account, r call.Reason, token string, err error) {
	rest, ok := strings.CutPrefix(subject, DeadPrefix)
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 {
		return "", "", "", errSubject
	}
	return call.Account(parts[0]), call.Reason(parts[1]), parts[2], nil
}
