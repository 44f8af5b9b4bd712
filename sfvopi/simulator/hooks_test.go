package simulator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
)

const goodStream = `{"stream":{"url":"wss://media.example/s","codec":"PCMU","sample_rate":8000,"direction":"BOTH","bidirectional":true,"stream_timeout":86400,"keep_call_alive":true}}`

// publisher stands for the servers that webhooks are posted to.
type publisher struct {
	mu       sync.Mutex
	received []delivery
	// answer decides about one delivery; nil answers Stream JSON.
	answer func(*http.Request) (*http.Response, error)
}

type delivery struct {
	url, method string
	at          time.Time
	text        string
	body        map[string]any // nil if the text is no JSON
}

func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	got := delivery{url: r.URL.String(), method: r.Method, at: time.Now(), text: string(text)}
	if json.Unmarshal(text, &got.body) != nil {
		got.body = nil
	}
	p.mu.Lock()
	p.received = append(p.received, got)
	p.mu.Unlock()
	if p.answer != nil {
		return p.answer(r)
	}
	return reply(200, goodStream), nil
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

const (
	ringAt     = "https://publisher.example/ring"
	hangupAt   = "https://publisher.example/hangup?token=secret"
	hooksExtra = `,"ring_url":"` + ringAt + `","hangup_url":"` + hangupAt + `"}`
)

// play places one call with all hooks, lets it end, and returns what was posted.
func (p *publisher) play(t *testing.T, config Config, callee string) (*provider, []delivery) {
	t.Helper()
	config.Webhooks = &http.Client{Transport: p}
	provider := overPipe(t, config)
	provider.do(t.Context(), "POST", "/sfvopi/calls", strings.TrimSuffix(callBody(DefaultNumber, callee, testAnswerURL), "}")+hooksExtra)
	<-time.After(time.Hour) // fake time
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return provider, p.received
}

func TestHooksOfAnAnsweredCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p, got := new(publisher).play(t, Config{Timing: Timing{RingDelay: time.Second, AnswerDelay: 4 * time.Second, Duration: 30 * time.Second}}, testCallee)
		if len(got) != 3 || got[0].url != ringAt || got[1].url != testAnswerURL || got[2].url != hangupAt {
			t.Fatalf("posted %+v", got)
		}
		for i, after := range []time.Duration{time.Second, 5 * time.Second, 35 * time.Second} {
			if got[i].at.Sub(began) != after {
				t.Errorf("hook %d after %s, want %s", i, got[i].at.Sub(began), after)
			}
		}
		call := p.Call(testIdentity)
		for _, each := range got {
			if each.body["request_uuid"] != call.Rings[0].RequestUUID || each.body["call_uuid"] != call.Rings[0].CallUUID ||
				each.body["from"] != DefaultNumber || each.body["to"] != testCallee || each.body["direction"] != "outbound" {
				t.Errorf("posted %+v", each.body)
			}
		}
		if answer := got[1].body; answer["call_status"] != "IN_PROGRESS" || answer["answered_at"] == nil || answer["answer_at"] != nil {
			t.Errorf("answer hook: %+v", answer)
		}
		if end := got[2].body; end["call_status"] != "COMPLETED" || end["duration"] != float64(30) || end["answer_at"] == nil ||
			end["answered_at"] != nil || end["started_at"] == nil || end["ended_at"] == nil || end["hangup_cause"] != "16" {
			t.Errorf("hangup hook: %+v", end)
		}
		if len(call.Hooks) != 3 || call.Hooks[1].Stream != "" || call.Hooks[1].Status != 200 {
			t.Errorf("recorded %+v", call.Hooks)
		}
	})
}

func TestEndingsByMagicCallee(t *testing.T) {
	for digits, ending := range magicEndings {
		t.Run(string(ending), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, got := new(publisher).play(t, Config{}, MagicPrefix+digits+"0")
				last := got[len(got)-1].body
				if last["call_status"] != string(ending) {
					t.Errorf("ended %+v", last)
				}
				if answered := ending == Completed; answered != (len(got) == 3) || answered != (last["answer_at"] != nil) {
					t.Errorf("posted %+v", got)
				}
			})
		})
	}
}

func TestEndingByRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, got := new(publisher).play(t, Config{Rules: []Rule{{Name: "busy", Ending: Busy}}}, testCallee)
		if last := got[len(got)-1].body; last["call_status"] != "BUSY" || last["hangup_cause"] != "17" {
			t.Errorf("ended %+v", last)
		}
	})
}

func TestCalleeSlowerThanTheRingTimeoutDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, got := new(publisher).play(t, Config{Timing: Timing{AnswerDelay: 5 * time.Minute}}, testCallee)
		last := got[len(got)-1]
		if len(got) != 2 || last.body["call_status"] != "NO_ANSWER" || last.at.Sub(began) != 60*time.Second {
			t.Errorf("posted %+v", got)
		}
	})
}

func TestHooksAfterALostAnswerAndAFailedAnswerHook(t *testing.T) {
	for fault, want := range map[string]string{"answer_lost_close": "COMPLETED", "answer_url_timeout": "FAILED"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, got := new(publisher).play(t, Config{Rules: []Rule{{Name: "a", Fault: fault}}}, testCallee)
				last := got[len(got)-1].body
				if last["call_status"] != want || last["request_uuid"] != p.Call(testIdentity).Rings[0].RequestUUID {
					t.Errorf("ended %+v, want %s", last, want)
				}
				if last["answer_at"] == nil {
					t.Errorf("ended %+v: the callee had picked up", last)
				}
				if answerHook := len(got) == 3; answerHook != (want == "COMPLETED") {
					t.Errorf("posted %+v", got)
				}
			})
		})
	}
}

func TestFailedAnswerHookGoesToTheFallback(t *testing.T) {
	world := DefaultWorld()
	world.Organisations[0].Apps[0].FallbackURL = "https://fallback.example/answer"
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{answer: func(r *http.Request) (*http.Response, error) {
			switch r.URL.Host + r.URL.Path {
			case "publisher.example/answer":
				response := reply(302, "")
				response.Header.Set("Location", "https://elsewhere.example/")
				return response, nil
			case "publisher.example/hangup":
				return nil, errors.New("connection refused")
			}
			return reply(200, `{"stream":{"url":"https://wrong"}}`), nil
		}}
		p, got := publisher.play(t, Config{World: world}, testCallee)
		if len(got) != 4 || got[2].url != "https://fallback.example/answer" {
			t.Fatalf("posted %+v", got)
		}
		hooks := p.Call(testIdentity).Hooks
		if hooks[1].Status != 302 || !strings.Contains(hooks[2].Stream, "/stream/url") {
			t.Errorf("recorded %+v", hooks)
		}
		if hooks[3].Error != "connection refused" {
			t.Errorf("recorded %q: an error names no URL", hooks[3].Error)
		}
	})
}

func TestHookTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{answer: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		began := time.Now()
		p, got := publisher.play(t, Config{}, testCallee)
		for i, after := range []time.Duration{0, 5 * time.Second, 15 * time.Second} {
			if got[i].at.Sub(began) != after {
				t.Errorf("hook %d after %s, want %s", i, got[i].at.Sub(began), after)
			}
		}
		if hooks := p.Call(testIdentity).Hooks; len(hooks) != 3 || hooks[2].Error == "" {
			t.Errorf("recorded %+v", hooks)
		}
	})
}

func TestHookByGETCarriesThePayloadInTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{}
		p := overPipe(t, Config{Webhooks: &http.Client{Transport: publisher}})
		p.want("POST", "/sfvopi/calls", strings.TrimSuffix(callBody(DefaultNumber, testCallee, testAnswerURL), "}")+`,"answer_method":"GET"}`, 201, "queued")
		synctest.Wait()
		publisher.mu.Lock()
		defer publisher.mu.Unlock()
		if len(publisher.received) != 1 {
			t.Fatalf("posted %+v", publisher.received)
		}
		got := publisher.received[0]
		if got.method != "GET" || !strings.Contains(got.url, "call=1&") || !strings.Contains(got.url, "call_status=IN_PROGRESS") || got.body != nil {
			t.Errorf("sent %+v", got)
		}
	})
}

func TestStreamProblem(t *testing.T) {
	for answer, want := range map[string]string{
		goodStream:                               "",
		`{"stream":{"url":"ws://a.example"}}`:    "",
		``:                                       "not valid JSON",
		`<html>`:                                 "not valid JSON",
		`[]`:                                     "not a JSON object",
		`{}`:                                     "field /stream is missing",
		`{"stream":{}}`:                          "field /stream/url must be a ws or wss URL",
		`{"stream":{"url":"https://a.example"}}`: "field /stream/url must be a ws or wss URL",
		`{"stream":{"url":"wss://a.example","sample_rate":"8000"}}`:  "field /stream/sample_rate has the wrong type",
		`{"stream":{"url":"wss://a.example","sample_rate":0}}`:       "field /stream/sample_rate must be above 0",
		`{"stream":{"url":"wss://a.example","stream_timeout":-1}}`:   "field /stream/stream_timeout must be above 0",
		`{"stream":{"url":"wss://a.example","keep_call_alive":"y"}}`: "field /stream/keep_call_alive has the wrong type",
	} {
		if got := streamProblem([]byte(answer)); got != want {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}
