package call

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Bounds of single fields, so that a record stays small.
const (
	maxURLLength     = 2048
	maxAppIDLength   = 128
	maxMetadata      = 32
	maxMetadataKey   = 64
	maxMetadataValue = 1024
	maxRingTimeout   = 600   // the provider's documentation
	maxCallTimeLimit = 86400 // the provider's documentation
)

// request validates every field. The error is an [*InvalidError] that lists every
// mistake.
func (j requestJSON) request(check NumberCheck, callerIDs *CallerIDCache) (Request, error) {
	r := Request{AppID: j.AppID, Callbacks: j.callbacks(), Metadata: j.Metadata}
	var all invalidErrors
	var err error
	var fromAssigned, toAssigned bool
	r.ID, err = idField(j.ID)
	all.add(err)
	r.From, fromAssigned, err = phoneField("from", j.From, check, callerIDs)
	all.add(err)
	r.To, toAssigned, err = phoneField("to", j.To, check, nil)
	all.add(err)
	r.Unassigned = !fromAssigned || !toAssigned
	all.add(checkAppID(j.AppID))
	all.add(checkURL("answer_url", j.AnswerURL))
	all.add(checkURL("ring_url", j.RingURL))
	all.add(checkURL("hangup_url", j.HangupURL))
	all.add(checkMethod("answer_method", j.AnswerMethod))
	all.add(checkMethod("ring_method", j.RingMethod))
	all.add(checkMethod("hangup_method", j.HangupMethod))
	r.RingTimeout, err = secondsField("ring_timeout", j.RingTimeout, maxRingTimeout)
	all.add(err)
	r.CallTimeLimit, err = secondsField("call_time_limit", j.CallTimeLimit, maxCallTimeLimit)
	all.add(err)
	r.NotBefore, err = timeField("not_before", j.NotBefore)
	all.add(err)
	r.ExpiresAt, err = timeField("expires_at", j.ExpiresAt)
	all.add(err)
	if !r.ExpiresAt.IsZero() && !r.NotBefore.IsZero() && !r.NotBefore.Before(r.ExpiresAt) {
		all.add(outOfBounds("not_before", "must be earlier than expires_at", "send an earlier not_before or a later expires_at"))
	}
	all.add(checkMetadata(j.Metadata))
	return r, all.err()
}

// invalidErrors collects the mistakes of a request.
type invalidErrors []*InvalidError

func (m *invalidErrors) add(err error) {
	var invalid *InvalidError
	if err != nil && errors.As(err, &invalid) { // As is not free for nil either
		*m = append(*m, invalid)
	}
}

// err returns the first mistake, which lists the others.
func (m invalidErrors) err() error {
	if len(m) == 0 {
		return nil
	}
	first := *m[0]
	first.Others = m[1:]
	return &first
}

func idField(s string) (ID, error) {
	if s == "" {
		return "", nil
	}
	id, err := ParseID(s)
	if err == nil {
		return id, nil
	}
	refused := &InvalidError{Reason: Malformed, Field: "id", Rule: "cannot be an id", Fix: err.Error() + ", or is left out"}
	if r, found := findInvisible(s); found {
		refused.Fix = fmt.Sprintf("delete the invisible character %U", r)
	}
	return "", refused
}

func phoneField(field, s string, check NumberCheck, callerIDs *CallerIDCache) (Phone, bool, error) {
	if s == "" {
		return Phone{}, false, &InvalidError{Reason: InvalidRequest, Field: field, Rule: "is required", Fix: "give a number in E.164 form"}
	}
	p, assigned, err := callerIDs.parse(s, check)
	var refused phoneError
	if errors.As(err, &refused) {
		return Phone{}, false, outOfBounds(field, refused.rule, refused.fix)
	}
	return p, assigned, err
}

func (j requestJSON) callbacks() Callbacks {
	return Callbacks{
		AnswerURL: j.AnswerURL, AnswerMethod: j.AnswerMethod,
		RingURL: j.RingURL, RingMethod: j.RingMethod,
		HangupURL: j.HangupURL, HangupMethod: j.HangupMethod,
	}
}

func checkAppID(s string) error {
	if len(s) > maxAppIDLength || strings.ContainsFunc(s, isControl) {
		return outOfBounds("app_id", fmt.Sprintf("has at most %d bytes and no control characters", maxAppIDLength), "copy it from the app's page, or leave it out")
	}
	return nil
}

func checkMethod(field, s string) error {
	if s != "" && s != "POST" && s != "GET" {
		return outOfBounds(field, "must be POST or GET", "send one of them in capitals, or leave it out")
	}
	return nil
}

// checkURL accepts what the provider may call back: http or https, with a host and
// without user info, which the provider would store and show.
func checkURL(field, s string) error {
	if s == "" {
		return nil
	}
	if len(s) > maxURLLength {
		return outOfBounds(field, fmt.Sprintf("has at most %d bytes", maxURLLength), "shorten it")
	}
	if r, found := findInvisible(s); found {
		return outOfBounds(field, fmt.Sprintf("holds the invisible character %U", r), "delete it")
	}
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, isControl) || strings.ContainsRune(s, ' ') {
		return outOfBounds(field, "must be a URL without spaces or control characters", "percent-encode what does not belong into a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return outOfBounds(field, "must be an http or https URL", "begin it with https://")
	}
	if u.Hostname() == "" {
		return outOfBounds(field, "must name a host", "write it as https://host/path")
	}
	if u.User != nil {
		return outOfBounds(field, "must not hold a user name or password", "put a secret token into its query")
	}
	return nil
}

func secondsField(field string, v *int, limit int) (int, error) {
	if v == nil {
		return 0, nil
	}
	if *v < 1 || *v > limit {
		return 0, outOfBounds(field, fmt.Sprintf("must be 1 to %d seconds", limit), "send a value within, or leave it out")
	}
	return *v, nil
}

// rfc3339Form refuses what time.Parse accepts: one-digit hours, decimal commas,
// and offsets of a day and more.
var rfc3339Form = regexp.MustCompile(`^.{10}T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`)

func timeField(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !rfc3339Form.MatchString(s) || t.Year() < 2000 || t.Year() > 9000 {
		return time.Time{}, outOfBounds(field, "must be a time as in RFC 3339", "write it as 2026-01-31T09:00:00+05:30")
	}
	return t.UTC(), nil
}

func checkMetadata(m map[string]string) error {
	if len(m) > maxMetadata {
		return outOfBounds("metadata", fmt.Sprintf("has at most %d entries", maxMetadata), "send fewer")
	}
	for k, v := range m {
		if k == "" || len(k) > maxMetadataKey || len(v) > maxMetadataValue {
			return outOfBounds("metadata", fmt.Sprintf("has keys of 1 to %d and values of at most %d bytes", maxMetadataKey, maxMetadataValue), "shorten them")
		}
	}
	return nil
}

func outOfBounds(field, rule, fix string) *InvalidError {
	return &InvalidError{Reason: InvalidRequest, Field: field, Rule: rule, Fix: fix}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
