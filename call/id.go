package call

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Account is one organisation at the provider, with its own API key, numbers,
// apps and limits. It is a token of NATS subjects and a metric label.
type Account string

// ID identifies one call within its account. Publishers choose it; it is the
// idempotency key.
type ID string

const (
	maxAccountLength  = 32
	maxIDLength       = 64
	generatedIDPrefix = '='
)

var (
	errAccountName = errors.New("an account is named by 1 to 32 characters of a-z, 0-9 and '-'")
	errOriginKey   = errors.New("a message is named by its sequence, or by its stream, '-' and its sequence")
	errID          = errors.New("an id is 1 to 64 characters of A-Z, a-z, 0-9, '_' and '-'")
)

// ParseAccount checks that s may name an account: [a-z0-9-]{1,32}.
func ParseAccount(s string) (Account, error) {
	if s == "" || len(s) > maxAccountLength {
		return "", errAccountName
	}
	for i := range len(s) {
		if !isLower(s[i]) && !isDigit(s[i]) && s[i] != '-' {
			return "", errAccountName
		}
	}
	return Account(s), nil
}

// ParseID checks that a publisher may use s as an id: [A-Za-z0-9_-]{1,64}.
func ParseID(s string) (ID, error) {
	if s == "" || len(s) > maxIDLength {
		return "", errID
	}
	for i := range len(s) {
		if !isLower(s[i]) && !isUpper(s[i]) && !isDigit(s[i]) && s[i] != '-' && s[i] != '_' {
			return "", errID
		}
	}
	return ID(s), nil
}

// ParseStoredID accepts the ids of records and dead letters: those of [ParseID],
// and generated ones.
func ParseStoredID(s string) (ID, error) {
	if s != "" && s[0] == generatedIDPrefix {
		if _, err := ParseID(s[1:]); err != nil || len(s) > maxIDLength {
			return "", errID
		}
		return ID(s), nil
	}
	return ParseID(s)
}

// GeneratedID returns the id of a call whose publisher gave it none, derived from
// the message that asked for it. It protects against redelivery of that message,
// not against publishing the request twice.
func GeneratedID(o Origin) ID {
	return ID(string(generatedIDPrefix) + o.format(36) + "-" + strconv.FormatInt(o.Published.UnixNano(), 36))
}

// Generated reports whether the id is a [GeneratedID].
func (id ID) Generated() bool { return id != "" && id[0] == generatedIDPrefix }

// Origin is the message by which a call was first asked for. Two messages with
// one id are two requests, and only one of them is dialled.
type Origin struct {
	Stream    string    `json:"stream,omitempty"` // empty for CALLS
	Sequence  uint64    `json:"seq"`              // in that stream
	Published time.Time `json:"published"`        // when the broker stored it
}

// Same reports whether both are the same message. It compares the time too: a
// recreated stream counts from one again.
func (o Origin) Same(p Origin) bool {
	return o.Stream == p.Stream && o.Sequence == p.Sequence && o.Published.Equal(p.Published)
}

// Key identifies the message among those that are in the streams now, as a token
// of a subject: <sequence> in CALLS, <stream>-<sequence> elsewhere.
func (o Origin) Key() string { return o.format(10) }

func (o Origin) format(base int) string {
	n := strconv.FormatUint(o.Sequence, base)
	if o.Stream == "" {
		return n
	}
	return o.Stream + "-" + n
}

// ParseOriginKey reads what [Origin.Key] returns. The time of the publish is not
// part of it.
func ParseOriginKey(s string) (Origin, error) {
	stream, n, elsewhere := strings.Cut(s, "-")
	if !elsewhere {
		stream, n = "", s
	}
	sequence, err := strconv.ParseUint(n, 10, 64)
	if err != nil || elsewhere && stream == "" {
		return Origin{}, errOriginKey
	}
	return Origin{Stream: stream, Sequence: sequence}, nil
}

// Priority orders the requests of one account: urgent before normal before
// bulk. Retries keep it.
type Priority string

// The priorities, as the last token of the subject a request is published to.
// A subject without one means normal.
const (
	Urgent Priority = "urgent"
	Normal Priority = "normal"
	Bulk   Priority = "bulk"
)

// Priorities lists all of them, the highest first.
func Priorities() []Priority { return []Priority{Urgent, Normal, Bulk} }

// ParsePriority reads a subject's last token.
func ParsePriority(s string) (Priority, error) {
	switch p := Priority(s); p {
	case Urgent, Normal, Bulk:
		return p, nil
	default:
		return "", errors.New("a priority is urgent, normal or bulk")
	}
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
