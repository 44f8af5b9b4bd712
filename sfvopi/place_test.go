package sfvopi

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestPlaceSendsWhatTheProviderDocuments(t *testing.T) {
	const minimal = `{"from":"+918045678901","to":"+919876543210","answer_url":"https://example.com/answer?token=a&b=<c>","answer_method":"POST","ring_timeout":60,"call_time_limit":14400}`
	const full = `{"from":"+918045678901","to":"+919876543210","answer_url":"https://a.example/","answer_method":"GET","ring_url":"https://r.example/","ring_method":"POST","hangup_url":"https://h.example/","hangup_method":"GET","ring_timeout":30,"call_time_limit":600}`

	everything := request(t)
	everything.AppID, everything.ID = "sfv_app_1", "not-sent"
	everything.Callbacks = call.Callbacks{
		AnswerURL: "https://a.example/", AnswerMethod: "GET", RingURL: "https://r.example/", HangupURL: "https://h.example/", HangupMethod: "GET",
	}
	everything.Limits = call.Limits{RingTimeout: 30, CallTimeLimit: 600}

	for name, c := range map[string]struct {
		request call.Request
		body    string
	}{"minimal": {request(t), minimal}, "full": {everything, full}} {
		t.Run(name, func(t *testing.T) {
			provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if got := string(body); got != c.body {
					t.Errorf("body\n got %s\nwant %s", got, c.body)
				}
				if r.Method != http.MethodPost || r.URL.Path != "/superfone/sfvopi/calls" || r.Proto != "HTTP/1.1" {
					t.Errorf("%s %s %s", r.Method, r.URL, r.Proto)
				}
				if r.ContentLength != int64(len(c.body)) || len(r.TransferEncoding) > 0 {
					t.Errorf("length %d, encoding %v", r.ContentLength, r.TransferEncoding)
				}
				want := fmt.Sprint(http.Header{
					"Content-Type": {"application/json"}, "X-Api-Key": {"key-1"},
					"User-Agent": {"ringonce"}, "Accept-Encoding": {"identity"}, "Content-Length": {fmt.Sprint(len(c.body))},
				})
				if got := fmt.Sprint(r.Header); got != want {
					t.Errorf("header\n got %s\nwant %s", got, want)
				}
				w.WriteHeader(http.StatusCreated)
				say(w, queued)
			})
			client := newClient(t, Config{BaseURL: provider.URL + "/superfone"})
			got := client.Place(t.Context(), c.request, soon())
			want := call.Outcome{Class: call.Placed, Reason: call.Accepted, Status: 201, RequestUUID: "sfv_ob_req_a8k3m2x9p1z0"}
			if got != want {
				t.Errorf("outcome %+v", got)
			}
		})
	}
}

func TestBaseURLForms(t *testing.T) {
	var path atomic.Value
	provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path.Store(r.URL.Path)
		say(w, queued)
	})
	for form, want := range map[string]string{
		"": "/sfvopi/calls", "/": "/sfvopi/calls", "/sfvopi": "/sfvopi/calls", "/sfvopi/": "/sfvopi/calls",
		"/superfone": "/superfone/sfvopi/calls", "/superfone/": "/superfone/sfvopi/calls", "/superfone/sfvopi/": "/superfone/sfvopi/calls",
	} {
		client := newClient(t, Config{BaseURL: provider.URL + form})
		check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
		if got := path.Load(); got != want {
			t.Errorf("base URL %q: path %q, want %q", form, got, want)
		}
	}
}

func TestConfigIsRefusedWithFieldRuleAndFix(t *testing.T) {
	key := func() string { return "" }
	for field, config := range map[string]Config{
		"Key":                               {BaseURL: "https://x"},
		"BaseURL":                           {Key: key, BaseURL: "prod-api.superfone.co.in"},
		"BaseURL must not":                  {Key: key, BaseURL: "https://u:p@x/"},
		"BaseURL must name its host":        {Key: key, BaseURL: "https://bücher.example/"},
		"BaseURL must not hold":             {Key: key, BaseURL: "https://x/?a=b"},
		"ConnectTimeout and RequestTimeout": {Key: key, BaseURL: "https://x", RequestTimeout: -1},
		"Ambiguous":                         {Key: key, BaseURL: "https://x", Ambiguous: "maybe"},
		"ProxyURL":                          {Key: key, BaseURL: "https://x", ProxyURL: "socks5://u:secret@x"},
		"read the certificate":              {Key: key, BaseURL: "https://x", CAFile: t.TempDir() + "/none"},
	} {
		_, err := NewClient(config)
		if err == nil || !strings.HasPrefix(err.Error(), field) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", field, err)
		}
	}
}

func TestKeyIsReadForEveryRequest(t *testing.T) {
	var seen []string
	provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("X-Api-Key"))
		w.WriteHeader(http.StatusUnauthorized)
	})
	n := 0
	client := newClient(t, Config{BaseURL: provider.URL, Key: func() string { n++; return fmt.Sprint("key-", n) }})
	check(t, client.Place(t.Context(), request(t), soon()), call.Suspended, call.Unauthorized)
	check(t, client.Place(t.Context(), request(t), soon()), call.Suspended, call.Unauthorized)
	if fmt.Sprint(seen) != "[key-1 key-2]" {
		t.Errorf("keys %v", seen)
	}
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	var posts atomic.Int32
	provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
		posts.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	client := newClient(t, Config{BaseURL: provider.URL})
	check(t, client.Place(t.Context(), request(t), soon()), call.Suspended, call.Redirected)
	if posts.Load() != 1 {
		t.Errorf("%d requests", posts.Load())
	}
}

// TestUnreadableResponses: one that has a status is no proof under either
// setting, unless it rejects. One that has none is †.
func TestUnreadableResponses(t *testing.T) {
	for name, c := range map[string]struct {
		handler      http.HandlerFunc
		reason       call.Reason
		class, retry call.Class
	}{
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			say(w, strings.Repeat("x", MaxResponseSize+1))
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"a refusal, cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusInternalServerError)
			say(w, `{"message":"Service temporarily unavailable"}`)
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"a rejection, cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusBadRequest)
			say(w, `{"message":"no"}`)
		}, call.InvalidRequest, call.Rejected, call.Rejected},
		"cut short in chunks": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			flush(t, w)
			panic(http.ErrAbortHandler)
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"header too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 2*maxHeaderSize))
			say(w, queued)
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"header of a refusal, cut short": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "HTTP/1.1 429 Too Many Requests\r\nRetry-Af")
			conn.Close()
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"header of a refusal in pieces, cut short": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			for _, piece := range []string{"HTTP/1.1 100 Continue\r\n\r\nHT", "TP/1.1 42", "9"} {
				say(conn, piece)
			}
			conn.Close()
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"a transfer coding that is not known": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
			conn.Close()
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"a coding that cannot be undone": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			w.WriteHeader(http.StatusUnauthorized)
			say(w, "\x1b\x03")
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"another answer behind it": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 201 Created\r\n\r\n")
			conn.Close()
		}, call.BadAnswer, call.Unknown, call.Unknown},
		"a line break behind it": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}\r\n")
			conn.Close()
		}, call.Unauthorized, call.Suspended, call.Suspended},
		"closed without one": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, call.ConnectionLost, call.Unknown, call.Refused},
		"not HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "SSH-2.0-OpenSSH_9.6\r\n")
			conn.Close()
		}, call.BadAnswer, call.Unknown, call.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, Config{BaseURL: serve(t, c.handler).URL})
			check(t, client.Place(t.Context(), request(t), soon()), c.class, c.reason)

			client = newClient(t, Config{BaseURL: serve(t, c.handler).URL, Ambiguous: RetryAmbiguous})
			check(t, client.Place(t.Context(), request(t), soon()), c.retry, c.reason)
		})
	}
}

func TestUnrequestedGzipIsDecoded(t *testing.T) {
	for _, coding := range []string{"gzip", ""} {
		provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if w.Header()["Content-Encoding"] = nil; coding != "" {
				w.Header().Set("Content-Encoding", coding)
			}
			w.WriteHeader(http.StatusCreated)
			z := gzip.NewWriter(w)
			say(z, queued)
			z.Close()
		})
		check(t, newClient(t, Config{BaseURL: provider.URL}).Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
	}
}

func TestLargestAnswerIsRead(t *testing.T) {
	padding := strings.Repeat("x", MaxResponseSize-len(queued)-len(`"padding":"",`))
	provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		say(w, `{"padding":"`+padding+`",`+queued[1:])
	})
	client := newClient(t, Config{BaseURL: provider.URL})
	check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
}

func TestNoAnswerInTime(t *testing.T) {
	arrived := make(chan struct{}, 1)
	provider := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		take(io.Discard, r.Body) // only then does the server notice that the client is gone
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	t.Run("request timeout", func(t *testing.T) {
		client := newClient(t, Config{BaseURL: provider.URL, RequestTimeout: 50 * time.Millisecond})
		check(t, client.Place(t.Context(), request(t), soon()), call.Unknown, call.TimedOut)
		<-arrived
	})
	t.Run("caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := newClient(t, Config{BaseURL: provider.URL})
		go func() {
			<-arrived
			cancel()
		}()
		check(t, client.Place(ctx, request(t), soon()), call.Unknown, call.TimedOut)
	})
	t.Run("half an answer", func(t *testing.T) {
		provider := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusInternalServerError)
			say(w, `{"message":`)
			flush(t, w)
			<-r.Context().Done()
		})
		client := newClient(t, Config{BaseURL: provider.URL, RequestTimeout: 50 * time.Millisecond})
		check(t, client.Place(t.Context(), request(t), soon()), call.Unknown, call.TimedOut)
	})
}

// TestPlaceEndsWithinTheRequestTimeout however long each part takes of it:
// connecting, writing, waiting, and an answer that comes in drops.
func TestPlaceEndsWithinTheRequestTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		connect time.Duration
		answer  func(conn net.Conn, end <-chan struct{})
	}{
		"no answer":                    {0, func(_ net.Conn, end <-chan struct{}) { <-end }},
		"a slow connection, then none": {4 * time.Second, func(_ net.Conn, end <-chan struct{}) { <-end }},
		"an answer in drops": {4 * time.Second, func(conn net.Conn, end <-chan struct{}) {
			say(conn, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n\r\n")
			for {
				select {
				case <-end:
					return
				case <-time.After(time.Second):
					say(conn, "x")
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				network := &pipes{
					serve: func(_ int, conn net.Conn) {
						if gotRequest(bufio.NewReader(conn)) {
							c.answer(conn, end)
						}
					},
					delay: func(context.Context) error { <-time.After(c.connect); return nil },
				}
				client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial, RequestTimeout: 20 * time.Second})
				began := time.Now()
				check(t, client.Place(t.Context(), request(t), soon()), call.Unknown, call.TimedOut)
				if took := time.Since(began); took != 20*time.Second {
					t.Errorf("took %s", took)
				}
				close(end)
				client.Close()
				network.stop()
			})
		})
	}
}

func TestEnvironmentIsNotRead(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: func(_ int, conn net.Conn) {
			if gotRequest(bufio.NewReader(conn)) {
				answerOn(conn, "201 Created", queued)
			}
		}}
		dial := func(ctx context.Context, network_, addr string) (net.Conn, error) {
			if addr != "provider:80" {
				t.Errorf("dialled %s", addr)
			}
			return network.dial(ctx, network_, addr)
		}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: dial})
		check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
		if l := client.lookups; l.Proxy != nil || !l.DisableCompression || l.Protocols.HTTP2() {
			t.Error("look-ups take a proxy, compress, or speak HTTP/2")
		}
		client.Close()
		network.stop()
	})
}
