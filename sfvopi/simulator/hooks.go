package simulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

// HookKind names a webhook.
type HookKind string

const (
	ringHook     HookKind = "ring"
	answerHook   HookKind = "answer"
	fallbackHook HookKind = "fallback_answer"
	hangupHook   HookKind = "hangup"
)

// timeout is how long the provider waits for a hook.
func (k HookKind) timeout() time.Duration {
	if k == answerHook || k == fallbackHook {
		return 10 * time.Second
	}
	return 5 * time.Second
}

const (
	// maxHooksAtOnce bounds the hooks that are being posted at the same time.
	maxHooksAtOnce = 64
	maxHookAnswer  = 64 << 10
)

// hooks posts webhooks to the URLs of the calls and of their apps, and nowhere
// else: redirects are not followed.
type hooks struct {
	client http.Client
	slots  chan struct{}
}

func newHooks(client *http.Client) *hooks {
	if client == nil {
		return nil
	}
	h := &hooks{client: *client, slots: make(chan struct{}, maxHooksAtOnce)}
	h.client.Jar = nil
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h
}

// payload is the flat body of a hook. Fields that a hook does not have are left
// out.
type payload struct {
	CallUUID    string   `json:"call_uuid"`
	RequestUUID string   `json:"request_uuid"`
	From        string   `json:"from"`
	To          string   `json:"to"`
	Direction   string   `json:"direction"`
	CallStatus  string   `json:"call_status,omitzero"`
	AnsweredAt  *instant `json:"answered_at,omitzero"` // the answer hook's spelling
	Duration    *int64   `json:"duration,omitzero"`    // seconds
	StartedAt   *instant `json:"started_at,omitzero"`
	AnswerAt    *instant `json:"answer_at,omitzero"` // the hangup hook's spelling
	EndedAt     *instant `json:"ended_at,omitzero"`
	HangupCause string   `json:"hangup_cause,omitzero"`
}

// fill is the part of the hangup hook that the end of the call decides.
func (e callEnd) fill(p *payload) {
	talked := int64(0)
	if !e.answered.IsZero() {
		talked = int64(e.at.Sub(e.answered) / time.Second)
		p.AnswerAt = (*instant)(&e.answered)
	}
	p.CallStatus, p.HangupCause, p.Duration = string(e.status), e.status.cause(), &talked
	p.StartedAt, p.EndedAt = (*instant)(&e.started), (*instant)(&e.at)
}

// postAnswer posts the answer hook, and if that fails once more to the app's
// fallback URL.
func (s *Simulator) postAnswer(call *phoneCall, at time.Time) {
	answered := func(p *payload) {
		p.CallStatus, p.AnsweredAt = "IN_PROGRESS", (*instant)(&at)
	}
	if s.hooks != nil && !s.post(call, answerHook, "", answered) {
		s.post(call, fallbackHook, "", answered)
	}
}

// post posts one hook, in the form that its fault gives it, records it, and reports
// whether it was answered with 2xx.
func (s *Simulator) post(call *phoneCall, kind HookKind, fault string, fill func(*payload)) bool {
	method, target := call.target(kind)
	if target == "" {
		return false
	}
	body := payload{
		CallUUID: call.callUUID, RequestUUID: call.requestUUID,
		From: call.request.From, To: call.request.To, Direction: "outbound",
	}
	if fill != nil {
		fill(&body)
	}
	select {
	case s.hooks.slots <- struct{}{}:
	case <-s.lifecycle.aborted.Done():
		return false
	}
	defer func() { <-s.hooks.slots }()

	hook := Hook{Kind: kind, RequestUUID: call.requestUUID, At: time.Now(), Fault: fault}
	ctx, cancel := context.WithTimeout(s.lifecycle.aborted, kind.timeout())
	defer cancel()
	status, answer, err := s.hooks.send(ctx, method, target, fault, &body)
	hook.Status = status
	if err != nil {
		hook.Error = errorWithoutURL(err)
	}
	delivered := err == nil && status >= 200 && status < 300
	if delivered && kind.timeout() > 5*time.Second {
		hook.Stream = streamProblem(answer)
	}
	s.oracle.hook(call.id, hook)
	return delivered
}

// target is where a hook of this call goes: the call's own URL, else the app's.
func (c *phoneCall) target(kind HookKind) (method, address string) {
	switch kind {
	case ringHook:
		return c.request.RingMethod, c.request.RingURL
	case answerHook:
		return c.request.AnswerMethod, c.request.AnswerURL
	case fallbackHook:
		if c.app.FallbackAnswerURL != nil {
			return c.app.FallbackAnswerMethod, *c.app.FallbackAnswerURL
		}
	case hangupHook:
		if c.request.HangupURL != "" {
			return c.request.HangupMethod, c.request.HangupURL
		}
		if c.app.HangupURL != nil {
			return c.app.HangupMethod, *c.app.HangupURL
		}
	}
	return "", ""
}

// notJSON is the body of a hook that is none: a GET's fields, sent by POST.
const notJSON = "call_status=COMPLETED&direction=outbound"

// send makes one HTTP request. A GET carries the payload in its query, beside
// what the URL has there already; one by somebody who opens the URL carries none.
func (h *hooks) send(ctx context.Context, method, target, fault string, body *payload) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	if fault == HookNotJSON {
		text = []byte(notJSON)
	}
	if fault == HookByGET || fault == HookOpened {
		method = http.MethodGet
	}
	var content io.Reader = bytes.NewReader(text)
	if method == http.MethodGet {
		content = http.NoBody
		if fault != HookOpened && fault != HookNotJSON {
			if target, err = withQuery(target, text); err != nil {
				return 0, nil, err
			}
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return 0, nil, err
	}
	if method != http.MethodGet {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := h.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // only read from; nothing can be lost
	read, err := io.ReadAll(io.LimitReader(answer.Body, maxHookAnswer))
	return answer.StatusCode, read, err
}

func withQuery(target string, payload []byte) (string, error) {
	address, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(payload, &fields); err != nil {
		return "", err
	}
	query := address.Query()
	for name, value := range fields {
		switch value := value.(type) {
		case string:
			query.Set(name, value)
		case float64:
			query.Set(name, strconv.FormatInt(int64(value), 10))
		}
	}
	address.RawQuery = query.Encode()
	return address.String(), nil
}

// errorWithoutURL drops the URL from an error: its query may hold a callback token.
func errorWithoutURL(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err.Error()
	}
	return err.Error()
}
