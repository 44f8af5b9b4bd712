package call

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxRequestSize is the largest request that is read, in bytes.
const MaxRequestSize = 16 << 10

// requestJSON is the request as publishers write it. A nil pointer is a field
// that was not given.
type requestJSON struct {
	ID            string            `json:"id"`
	From          string            `json:"from"`
	To            string            `json:"to"`
	AppID         string            `json:"app_id"`
	AnswerURL     string            `json:"answer_url"`
	AnswerMethod  string            `json:"answer_method"`
	RingURL       string            `json:"ring_url"`
	RingMethod    string            `json:"ring_method"`
	HangupURL     string            `json:"hangup_url"`
	HangupMethod  string            `json:"hangup_method"`
	RingTimeout   *int              `json:"ring_timeout"`
	CallTimeLimit *int              `json:"call_time_limit"`
	NotBefore     string            `json:"not_before"`
	ExpiresAt     string            `json:"expires_at"`
	Metadata      map[string]string `json:"metadata"`
}

// byteOrderMark precedes what some Windows programs write as UTF-8.
const byteOrderMark = "\ufeff"

// DecodeRequest reads a request: at most [MaxRequestSize] bytes of JSON, with or
// without a byte order mark, no unknown or duplicate fields, every field within
// its bounds. The error is an [*InvalidError]. The digest identifies the content,
// whatever the order and spacing of the JSON, and is always set.
func DecodeRequest(data []byte, check NumberCheck) (Request, Digest, error) {
	return DecodeRequestCached(data, check, nil)
}

// DecodeRequestCached is [DecodeRequest] with a cache of caller IDs.
func DecodeRequestCached(data []byte, check NumberCheck, callerIDs *CallerIDCache) (Request, Digest, error) {
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if len(data) > MaxRequestSize {
		return Request{}, digestBytes(data), &InvalidError{
			Reason: Malformed, Rule: fmt.Sprintf("the request has %d bytes and may have %d", len(data), MaxRequestSize),
			Fix: "send less metadata",
		}
	}
	var read *requestJSON
	if err := json.Unmarshal(data, &read, json.RejectUnknownMembers(true)); err != nil {
		return Request{}, digestBytes(data), malformed(data, err)
	}
	if read == nil { // null
		return Request{}, digestBytes(data), notAnObject(data)
	}
	w := *read
	r, err := w.request(check, callerIDs)
	return r, w.digest(), err
}

// ReadID finds the id of a request that cannot be decoded, whatever else is wrong
// with it, so that its end can be recorded under its own id.
func ReadID(data []byte) (id ID, ok bool) {
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if len(data) > MaxRequestSize {
		return "", false
	}
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return "", false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", false
		}
		if name.String() != "id" {
			if d.SkipValue() != nil {
				return "", false
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil || value.Kind() != '"' {
			return "", false
		}
		id, err = ParseID(value.String())
		return id, err == nil
	}
	return "", false
}
