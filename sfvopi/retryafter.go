package sfvopi

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The bounds of a delay that the provider asks for.
const (
	MinRetryAfter = time.Second
	MaxRetryAfter = time.Hour
)

const (
	maxRetryAfterLength = 64
	maxSecondsDigits    = 9 // more would be far beyond the bound
)

// ParseRetryAfter reads a Retry-After header (RFC 9110: seconds, or an HTTP date
// that is compared with now) and clamps it. It rounds up to seconds. ok is false if
// the header is neither, or a time in the past.
func ParseRetryAfter(value string, now time.Time) (d time.Duration, ok bool) {
	if value == "" || len(value) > maxRetryAfterLength {
		return 0, false
	}
	whole, fraction, isFraction := strings.Cut(value, ".")
	if onlyDigits(whole) && onlyDigits(fraction) && whole != "" && isFraction == (fraction != "") {
		if len(whole) > maxSecondsDigits {
			return MaxRetryAfter, true
		}
		seconds, err := strconv.Atoi(whole)
		if err != nil {
			return 0, false
		}
		if strings.Trim(fraction, "0") != "" {
			seconds++
		}
		return clampRetryAfter(time.Duration(seconds) * time.Second), true
	}
	at, err := http.ParseTime(value)
	if err != nil || !at.After(now) {
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
