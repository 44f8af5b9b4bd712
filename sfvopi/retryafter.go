package sfvopi

import (
	"net/http"
	"strconv"
	"time"
)

// The bounds that a delay asked for by the provider is clamped to.
const (
	MinRetryAfter = time.Second
	MaxRetryAfter = time.Hour
)

const (
	maxRetryAfterLength = 64
	maxSecondsDigits    = 9 // more overflow nothing, and are far beyond the bound
)

// ParseRetryAfter reads a Retry-After header (RFC 9110: whole seconds, or an
// HTTP date compared with now) and clamps it. ok is false if it says neither.
func ParseRetryAfter(value string, now time.Time) (d time.Duration, ok bool) {
	if value == "" || len(value) > maxRetryAfterLength {
		return 0, false
	}
	if onlyDigits(value) {
		if len(value) > maxSecondsDigits {
			return MaxRetryAfter, true
		}
		seconds, err := strconv.Atoi(value)
		if err != nil {
			return 0, false
		}
		return clampRetryAfter(time.Duration(seconds) * time.Second), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return clampRetryAfter(at.Sub(now)), true
}

func clampRetryAfter(d time.Duration) time.Duration {
	return min(max(d, MinRetryAfter), MaxRetryAfter)
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
