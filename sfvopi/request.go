package sfvopi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ringonce/ringonce/call"
)

const userAgent = "ringonce"

// requestHeader is the constant part of every POST: its request line and the fixed
// header fields, as net/http writes them.
type requestHeader []byte

const emptyContentLength = "Content-Length: 0\r\n"

func newRequestHeader(calls *url.URL) (requestHeader, error) {
	model := &http.Request{
		Method: http.MethodPost, URL: calls, Host: calls.Host,
		Header: http.Header{
			"Content-Type": {"application/json"}, "User-Agent": {userAgent}, "Accept-Encoding": {"identity"},
		},
	}
	var b bytes.Buffer
	if err := model.Write(&b); err != nil {
		return nil, fmt.Errorf("write the header of every request: %w", err)
	}
	head, hasEnd := bytes.CutSuffix(b.Bytes(), []byte("\r\n"))
	before, after, hasLength := bytes.Cut(head, []byte(emptyContentLength))
	if !hasEnd || !hasLength {
		return nil, errors.New("write the header of every request: it does not look as expected")
	}
	return append(before, after...), nil
}

var errKey = errors.New("the API key holds characters that cannot be sent")

// build returns the whole request for a call, and its buffer for reuse.
func (h requestHeader) build(buffer []byte, key string, r call.Request) (request, _ []byte, err error) {
	key = strings.Trim(key, " \t")
	if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return nil, buffer, errKey
	}
	b, err := appendCall(buffer[:0], r) // first, because the header holds its length
	if err != nil {
		return nil, buffer, fmt.Errorf("encode the call: %w", err)
	}
	n := len(b)
	b = append(b, h...)
	b = append(append(append(b, "X-Api-Key: "...), key...), "\r\nContent-Length: "...)
	b = append(strconv.AppendInt(b, int64(n), 10), "\r\n\r\n"...)
	b = append(b, b[:n]...)
	return b[n:], b, nil
}

// appendCall appends the body of a call, as in the provider's documentation.
func appendCall(b []byte, r call.Request) (_ []byte, err error) {
	r = r.WithDefaults(call.Defaults{}) // both limits are always sent
	for i, f := range [...]struct{ name, value string }{
		{`{"from":`, r.From.E164()},
		{`,"to":`, r.To.E164()},
		{`,"answer_url":`, r.AnswerURL},
		{`,"answer_method":`, r.AnswerMethod},
		{`,"ring_url":`, r.RingURL},
		{`,"ring_method":`, r.RingMethod},
		{`,"hangup_url":`, r.HangupURL},
		{`,"hangup_method":`, r.HangupMethod},
	} {
		const required = 3
		if i >= required && f.value == "" {
			continue
		}
		if b, err = jsontext.AppendQuote(append(b, f.name...), f.value); err != nil {
			return nil, err
		}
	}
	b = strconv.AppendInt(append(b, `,"ring_timeout":`...), int64(r.RingTimeout), 10)
	b = strconv.AppendInt(append(b, `,"call_time_limit":`...), int64(r.CallTimeLimit), 10)
	return append(b, '}'), nil
}
