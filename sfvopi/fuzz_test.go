package sfvopi

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var sevenDigits = regexp.MustCompile(`[0-9]{7}`)

func FuzzClassify(f *testing.F) {
	for _, row := range contract {
		for _, a := range row.answers {
			f.Add(a.Status, a.RetryAfter, a.Body, string(a.Failure), int(a.Written))
		}
	}
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte, failure string, written int) {
		a := Response{Status: status, RetryAfter: retryAfter, Body: body, Failure: Failure(failure), Written: Written(written)}
		o := Classify(a, RuleSettings{}, noon)

		if !slices.Contains(call.AttemptReasons(o.Class), o.Reason) {
			t.Errorf("reason %s is not one of class %s", o.Reason, o.Class)
		}
		if named := o.RequestUUID != ""; named != (o.Class == call.Placed) {
			t.Errorf("%s with request_uuid %q", o.Class, o.RequestUUID)
		}
		if o.Class == call.Placed && (status/100 != 2 || !strings.Contains(string(body), "request_uuid")) {
			t.Errorf("placed by %d %q", status, body)
		}
		if o.Class == call.Refused && !proof(a) {
			t.Errorf("refused as %s without proof: %+v", o.Reason, a)
		}
		if o.RetryAfter != 0 && (o.RetryAfter < MinRetryAfter || o.RetryAfter > MaxRetryAfter) {
			t.Errorf("retry after %v", o.RetryAfter)
		}
		if o.Class != call.Refused && (o.Unspent || o.ThrottlesAccount || o.RetryAfter != 0) {
			t.Errorf("%s with the marks of a refusal: %+v", o.Class, o)
		}
		if sevenDigits.MatchString(o.Message) || len(o.Message) > 256 {
			t.Errorf("message %q is not masked, or too long", o.Message)
		}
		if under := Classify(a, RuleSettings{Ambiguous: RetryAmbiguous}, noon); under != o && (o.Class != call.Unknown || under.Class != call.Refused || under.Reason != o.Reason) {
			t.Errorf("the policy turns %+v into %+v", o, under)
		}
	})
}

// proof says, in other words than the table, whether an answer may be taken as
// proof that no call went out.
func proof(a Response) bool {
	if a.Status == 0 {
		return a.Written == WrittenNothing
	}
	if a.Failure != NoFailure {
		return false
	}
	switch a.Status {
	case 425, 429, 521, 523, 525, 526:
		return true
	case 408:
		return a.Written != WrittenWhole
	}
	// Loosely read; the rules are stricter.
	said := strings.ToLower(string(a.Body))
	if a.Status < 500 || a.Status > 599 || !strings.Contains(said, "message") && !strings.Contains(said, `\u`) {
		return false
	}
	if _, asks := ParseRetryAfter(a.RetryAfter, noon); a.Status == 503 && asks {
		return true
	}
	return slices.ContainsFunc([]string{
		"unavailable", "overloaded", "maintenance", "failed", `\u`,
	}, func(p string) bool { return strings.Contains(said, p) })
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "7", "-1", "1.5", "99999999999999999999", "soon", "Sun, 01 Mar 2026 12:00:30 GMT", "Sunday, 01-Mar-26 12:00:30 GMT", "Sun Mar  1 12:00:30 2026", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := ParseRetryAfter(s, noon)
		if ok != (d != 0) {
			t.Errorf("%q: %v, %v", s, d, ok)
		}
		if ok && (d < MinRetryAfter || d > MaxRetryAfter) {
			t.Errorf("%q: %v is not clamped", s, d)
		}
	})
}

func TestParseRetryAfter(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0":                              time.Second,
		"1":                              time.Second,
		"120":                            2 * time.Minute,
		"3600":                           time.Hour,
		"3601":                           time.Hour,
		"99999999999999999999":           time.Hour,
		"Sun, 01 Mar 2026 12:00:30 GMT":  30 * time.Second,
		"Sunday, 01-Mar-26 12:00:30 GMT": 30 * time.Second,
		"Sun Mar  1 12:00:30 2026":       30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT":  0,
		"Sun, 01 Mar 2026 12:00:00 GMT":  0,
		"Fri, 31 Dec 9999 23:59:59 GMT":  time.Hour,
		"Mon, 01 Jan 0001 00:00:00 GMT":  0,
		"":                               0,
		"-1":                             0,
		"1.5":                            2 * time.Second,
		"0.01":                           time.Second,
		"3.0":                            3 * time.Second,
		"1.":                             0,
		".5":                             0,
		"1.5.5":                          0,
		"+7":                             0,
		" 7":                             0,
		"soon":                           0,
	} {
		if got, ok := ParseRetryAfter(s, noon); got != want || ok != (want != 0) {
			t.Errorf("%q: %v, %v, want %v", s, got, ok, want)
		}
	}
}
