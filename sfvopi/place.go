package sfvopi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/failpoint"
)

// Place makes one attempt at a call: at most one POST, written to at most one
// connection, never before by has been checked for the last time. It returns
// within the request timeout.
//
// An outcome of class refused and reason interrupted means that ctx ended, or
// the deadline passed, before anything was written. If ctx ends later, the
// outcome is unknown.
func (c *Client) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	return Classify(c.post(ctx, r, by), c.ambiguous, time.Now())
}

func (c *Client) post(ctx context.Context, r call.Request, by call.Deadline) Answer {
	if err := context.Cause(ctx); err != nil {
		return unwritten(WasInterrupted, err)
	}
	if by.Passed(time.Now()) {
		return unwritten(WasInterrupted, errPastDeadline)
	}
	body, err := encodeCall(r)
	if err != nil {
		return unwritten(NotConnected, err)
	}
	a := &attempt{by: by, bodySize: len(body)}

	bounded, cancel := context.WithTimeout(ctx, c.requestTimeout)
	defer cancel()
	traced := httptrace.WithClientTrace(bounded, &httptrace.ClientTrace{GotConn: a.arm})
	// Without GetBody and an idempotency key, net/http never sends it again.
	request := c.placing.WithContext(traced)
	request.Header = http.Header{
		"Content-Type": {"application/json"},
		"User-Agent":   {userAgent},
		"X-Api-Key":    {c.key()},
	}
	// A body that is known to be in memory goes out in one Write with the header.
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))

	failpoint.Here(failpoint.PostBegun)
	response, err := c.calls.RoundTrip(request)
	if err != nil {
		return noAnswer(ctx, bounded, a.seal(), err)
	}
	return readAnswer(bounded, a, response)
}

// noAnswer judges an attempt to which there was no answer at all. caller is the
// context that Place was given, bounded the one with the request timeout.
func noAnswer(caller, bounded context.Context, e evidence, err error) Answer {
	if e.written == WrittenNothing {
		return unwritten(whyUnwritten(caller, e, err), err)
	}
	answer := Answer{Written: e.written, Detail: err.Error()}
	switch {
	case bounded.Err() != nil || isTimeout(err):
		answer.Failure = NotInTime
	case e.lost:
		answer.Failure = ConnectionCut
	default:
		answer.Failure = NotHTTP
	}
	return answer
}

func whyUnwritten(caller context.Context, e evidence, err error) Failure {
	var untrusted *tls.CertificateVerificationError
	switch {
	case e.late || caller.Err() != nil:
		return WasInterrupted
	case errors.As(err, &untrusted):
		return NotTrusted
	default:
		return NotConnected
	}
}

// readAnswer takes what the provider answered, up to its bound.
func readAnswer(bounded context.Context, a *attempt, response *http.Response) Answer {
	failpoint.Here(failpoint.AnswerHeader)
	body, err := readBounded(response, MaxAnswerSize)
	failpoint.Here(failpoint.AnswerRead)
	_ = response.Body.Close() // closes a connection that was not read to its end; nothing else can fail
	answer := Answer{
		Status:     response.StatusCode,
		RetryAfter: response.Header.Get("Retry-After"),
		Body:       body,
		Written:    a.seal().written,
	}
	switch {
	case err == nil:
	case errors.Is(err, errTooLarge):
		answer.Failure = TooLarge
	case bounded.Err() != nil || isTimeout(err):
		answer.Failure = NotInTime
	default:
		answer.Failure = CutShort
	}
	if err != nil {
		answer.Detail = err.Error()
	}
	return answer
}

var errTooLarge = errors.New("the answer is larger than is read")

// readBounded reads a body of at most limit bytes. On errTooLarge it gives the
// first limit bytes.
func readBounded(response *http.Response, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if n := response.ContentLength; 0 <= n && n <= limit {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(response.Body, limit+1))
	if int64(b.Len()) > limit {
		b.Truncate(int(limit))
		return b.Bytes(), errTooLarge
	}
	return b.Bytes(), err
}

func unwritten(f Failure, err error) Answer {
	return Answer{Failure: f, Written: WrittenNothing, Detail: err.Error()}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// guarded opens a connection that writes only for an attempt.
func (c *connector) guarded(ctx context.Context, network, addr string) (net.Conn, error) {
	failpoint.Here(failpoint.ConnectBefore)
	conn, err := c.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	failpoint.Here(failpoint.ConnectAfter)
	return &guard{Conn: conn}, nil
}

// callBody is the body of a call, as in the provider's documentation.
type callBody struct {
	From          string `json:"from"`
	To            string `json:"to"`
	AnswerURL     string `json:"answer_url"`
	AnswerMethod  string `json:"answer_method,omitzero"`
	RingURL       string `json:"ring_url,omitzero"`
	RingMethod    string `json:"ring_method,omitzero"`
	HangupURL     string `json:"hangup_url,omitzero"`
	HangupMethod  string `json:"hangup_method,omitzero"`
	RingTimeout   int    `json:"ring_timeout"`
	CallTimeLimit int    `json:"call_time_limit"`
}

func encodeCall(r call.Request) ([]byte, error) {
	r = r.WithDefaults(call.Defaults{}) // both limits are always sent
	body, err := json.Marshal(callBody{
		From: r.From.E164(), To: r.To.E164(),
		AnswerURL: r.AnswerURL, AnswerMethod: r.AnswerMethod,
		RingURL: r.RingURL, RingMethod: r.RingMethod,
		HangupURL: r.HangupURL, HangupMethod: r.HangupMethod,
		RingTimeout: r.RingTimeout, CallTimeLimit: r.CallTimeLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the call: %w", err)
	}
	return body, nil
}
