package simulator

import (
	"errors"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// stream is what the answer hook must be answered with.
type stream struct {
	URL           string `json:"url"`
	Codec         string `json:"codec"`
	SampleRate    *int64 `json:"sample_rate"` // Hz
	Direction     string `json:"direction"`
	Bidirectional bool   `json:"bidirectional"`
	StreamTimeout *int64 `json:"stream_timeout"` // seconds
	KeepCallAlive bool   `json:"keep_call_alive"`
}

// streamProblem returns what is wrong with the answer to an answer hook; empty
// means nothing. It checks forms, not values that the documentation leaves open.
func streamProblem(answer []byte) string {
	var body struct {
		Stream *stream `json:"stream"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		if wrong, ok := errors.AsType[*json.SemanticError](err); ok && wrong.JSONPointer != "" {
			return "field " + string(wrong.JSONPointer) + " has the wrong type"
		}
		if _, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			return "not valid JSON"
		}
		return "not a JSON object"
	}
	s := body.Stream
	if s == nil {
		return "field /stream is missing"
	}
	if address, err := url.Parse(s.URL); err != nil || address.Host == "" || address.Scheme != "wss" && address.Scheme != "ws" {
		return "field /stream/url must be a ws or wss URL"
	}
	if s.SampleRate != nil && *s.SampleRate <= 0 {
		return "field /stream/sample_rate must be above 0"
	}
	if s.StreamTimeout != nil && *s.StreamTimeout <= 0 {
		return "field /stream/stream_timeout must be above 0"
	}
	return ""
}
