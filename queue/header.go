package queue

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// Headers of ours. They are trusted only on calls.due, where publishers may not
// write.
const (
	headerVersion     = "Ringonce-Record"
	headerAccount     = "Ringonce-Account"
	HeaderID          = "Ringonce-Id"
	headerReason      = "Ringonce-Reason"
	headerMessage     = "Ringonce-Message"
	headerStatus      = "Ringonce-Status"
	headerAttempts    = "Ringonce-Attempts"
	headerHistory     = "Ringonce-History"
	headerOrigin      = "Ringonce-Origin"
	headerPublished   = "Ringonce-Published"
	headerEnded       = "Ringonce-Ended"
	headerMayHaveRung = "Ringonce-May-Have-Rung"
	headerUUID        = "Ringonce-Request-Uuid"

	headerTrace = "traceparent"
	// HeaderMessageID stands in for an id on requests. No publish of ours
	// carries it.
	HeaderMessageID = nats.MsgIdHdr
)

// encodeVersion writes a version as <created, in nanoseconds>/<sequence>.
func encodeVersion(v call.Version) string {
	return strconv.FormatInt(v.Created.UnixNano(), 10) + "/" + strconv.FormatUint(v.Sequence, 10)
}

func decodeVersion(s string) (call.Version, bool) {
	created, sequence, ok := strings.Cut(s, "/")
	if !ok {
		return call.Version{}, false
	}
	c, err := strconv.ParseInt(created, 10, 64)
	if err != nil {
		return call.Version{}, false
	}
	n, err := strconv.ParseUint(sequence, 10, 64)
	if err != nil {
		return call.Version{}, false
	}
	return call.Version{Created: time.Unix(0, c).UTC(), Sequence: n}, true
}

// traceparent returns the W3C trace context of a message, or nothing if it is not in
// its documented form: 00-<32 hex>-<16 hex>-<2 hex>.
func traceparent(h nats.Header) string {
	const length = 55
	s := h.Get(headerTrace)
	if len(s) != length {
		return ""
	}
	for i := range length {
		dash := i == 2 || i == 35 || i == 52
		hex := ('0' <= s[i] && s[i] <= '9') || ('a' <= s[i] && s[i] <= 'f')
		if dash != (s[i] == '-') || (!dash && !hex) {
			return ""
		}
	}
	return s
}
