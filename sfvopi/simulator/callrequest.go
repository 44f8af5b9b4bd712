package simulator

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// callRequest is the body of POST /sfvopi/calls, with the documented defaults.
// There is no app_id: the app follows from the calling number.
type callRequest struct {
	From          string `json:"from"`
	To            string `json:"to"`
	AnswerURL     string `json:"answer_url"`
	AnswerMethod  string `json:"answer_method"`
	RingURL       string `json:"ring_url"`
	RingMethod    string `json:"ring_method"`
	HangupURL     string `json:"hangup_url"`
	HangupMethod  string `json:"hangup_method"`
	CallTimeLimit int64  `json:"call_time_limit"` // seconds
	RingTimeout   int64  `json:"ring_timeout"`    // seconds
}

// The bounds of the provider's documentation.
const (
	defaultCallTimeLimit = 14400
	maxCallTimeLimit     = 86400
	defaultRingTimeout   = 60
	maxRingTimeout       = 600
	maxBodyBytes         = 64 << 10
)

func newCallRequest() callRequest {
	return callRequest{
		AnswerMethod: http.MethodPost, RingMethod: http.MethodPost, HangupMethod: http.MethodPost,
		CallTimeLimit: defaultCallTimeLimit, RingTimeout: defaultRingTimeout,
	}
}

// readBody reads a JSON body into buffer, up to maxBodyBytes.
func readBody(r *http.Request, buffer *bytes.Buffer) error {
	if contentType := r.Header.Get("Content-Type"); contentType != "application/json" {
		media, _, err := mime.ParseMediaType(contentType)
		if err != nil || media != "application/json" {
			return errNotJSONType
		}
	}
	if r.ContentLength > maxBodyBytes {
		return errTooLarge
	}
	if _, err := buffer.ReadFrom(io.LimitReader(r.Body, maxBodyBytes+1)); err != nil {
		return &apiError{http.StatusBadRequest, "request aborted", ResultNotReceived}
	}
	if buffer.Len() > maxBodyBytes {
		return errTooLarge
	}
	return nil
}

// parse reads the body, strictly: unknown, repeated and mistyped fields are
// refused by name. What was read so far remains in the request, so that the
// oracle can say whom a refused POST was meant for.
func (c *callRequest) parse(body []byte) error {
	if err := decode(body, c); err != nil {
		return err
	}
	return c.validate()
}

// decode reads strict JSON and turns its errors into refusals that name the
// field.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		field := strings.TrimPrefix(string(wrong.JSONPointer), "/")
		switch {
		case field == "":
			return invalid("the body must be a JSON object")
		case errors.Is(wrong.Err, json.ErrUnknownName):
			return invalid("property %s should not exist", wrong.JSONPointer.LastToken())
		case wrong.GoType != nil && wrong.GoType.Kind().String() == "int64":
			return invalid("%s must be an integer", field)
		}
		return invalid("%s must be a string", field)
	}
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(wrong.Err, jsontext.ErrDuplicateName) {
		return invalid("property %s is given twice", wrong.JSONPointer.LastToken())
	}
	return invalid("the body is not valid JSON")
}

func (c *callRequest) validate() error {
	for _, field := range []struct{ name, value string }{{"from", c.From}, {"to", c.To}} {
		if field.value == "" {
			return invalid("%s is required", field.name)
		}
		if !isE164(field.value) {
			return invalid("%s must be a phone number in E.164 format", field.name)
		}
	}
	if c.AnswerURL == "" {
		return invalid("answer_url is required")
	}
	for _, hook := range []struct{ name, url, method string }{
		{"answer", c.AnswerURL, c.AnswerMethod},
		{"ring", c.RingURL, c.RingMethod},
		{"hangup", c.HangupURL, c.HangupMethod},
	} {
		if hook.url != "" && !isWebURL(hook.url) {
			return invalid("%s_url must be a URL with http or https", hook.name)
		}
		if hook.method != http.MethodPost && hook.method != http.MethodGet {
			return invalid("%s_method must be POST or GET", hook.name)
		}
	}
	if c.CallTimeLimit < 1 || c.CallTimeLimit > maxCallTimeLimit {
		return invalid("call_time_limit must be an integer between 1 and %d", maxCallTimeLimit)
	}
	if c.RingTimeout < 1 || c.RingTimeout > maxRingTimeout {
		return invalid("ring_timeout must be an integer between 1 and %d", maxRingTimeout)
	}
	return nil
}
