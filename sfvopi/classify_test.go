package sfvopi

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// answered is an answer in the provider's envelope, to a request written whole.
func answered(status int, message string) Response {
	return Response{Status: status, Body: fmt.Appendf(nil, `{"message":%q}`, message)}
}

// said are answers of one status in the envelope.
func said(status int, messages ...string) (answers []Response) {
	for _, m := range messages {
		answers = append(answers, answered(status, m))
	}
	return answers
}

// failedWith are 500s "Failed to initiate outbound call: {error}".
func failedWith(errors ...string) (answers []Response) {
	for _, e := range errors {
		answers = append(answers, answered(500, "Failed to initiate outbound call: "+e))
	}
	return answers
}

func page(status int) Response {
	return Response{Status: status, Body: []byte("<html><body>gateway</body></html>")}
}

func pages(statuses ...int) (answers []Response) {
	for _, s := range statuses {
		answers = append(answers, page(s))
	}
	return answers
}

func body(status int, body string) Response { return Response{Status: status, Body: []byte(body)} }

// bodies are answers of one status.
func bodies(status int, texts ...string) (answers []Response) {
	for _, b := range texts {
		answers = append(answers, body(status, b))
	}
	return answers
}

func asking(a Response, retryAfter string) Response {
	a.RetryAfter = retryAfter
	return a
}

func failing(a Response, f Failure, w Written) Response {
	a.Failure, a.Written = f, w
	return a
}

func followed(a Response) Response {
	a.TrailingBytes = true
	return a
}

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// How many POSTs one request may cause.
const (
	once       = 1
	attempts   = 12 // retry.max_attempts
	whileAlive = 0  // no attempt is spent; until the request expires
)

func posts(o call.Outcome) int {
	switch {
	case o.Class == call.Suspended || o.Unspent:
		return whileAlive
	case o.Class == call.Refused:
		return attempts
	default:
		return once
	}
}

// contract has the answers of every row of the contract, and their nearest
// neighbours in the row into which those fall. want leaves out Status and
// Message; teamDecided marks what is refused with ambiguous: retry.
var contract = []struct {
	rule        string // its name in rules; empty: what comes before them
	want        call.Outcome
	teamDecided bool
	posts       int
	answers     []Response
}{
	// Transport.
	{"given up before anything was written", call.Outcome{Class: call.Refused, Reason: call.Interrupted, Unspent: true}, false, whileAlive, []Response{
		failing(Response{}, Interrupted, WrittenNothing),
	}},
	{"certificate invalid", stopped(call.CertificateInvalid), false, whileAlive, []Response{failing(Response{}, NotTrusted, WrittenNothing)}},
	{"out of file descriptors, ports or memory", call.Outcome{Class: call.Refused, Reason: call.OutOfResources, Unspent: true}, false, whileAlive, []Response{
		failing(Response{}, OutOfResources, WrittenNothing),
	}},
	{"no connection, or an error before the first byte", call.Outcome{Class: call.Refused, Reason: call.NotSent, FeedsBreaker: true}, false, attempts, []Response{
		failing(Response{}, NotConnected, WrittenNothing), failing(Response{}, ConnectionLost, WrittenNothing), failing(Response{}, Timeout, WrittenNothing),
	}},
	{"no answer in time, after the first byte", sick(call.TimedOut), true, once, []Response{
		failing(Response{}, Timeout, WrittenWhole), failing(Response{}, Timeout, WrittenPartly),
	}},
	{"reset or closed after the first byte", sick(call.ConnectionLost), true, once, []Response{
		failing(Response{}, ConnectionLost, WrittenWhole), failing(Response{}, ConnectionLost, WrittenPartly),
	}},
	{"the answer is not HTTP", sick(call.BadAnswer), true, once, []Response{
		failing(Response{}, NotHTTP, WrittenWhole), failing(Response{}, NotHTTP, WrittenPartly), failing(Response{}, Interrupted, WrittenWhole),
		failing(Response{}, NotConnected, WrittenPartly), failing(Response{}, TooLarge, WrittenWhole), failing(Response{}, OutOfResources, WrittenWhole),
	}},

	// 2xx.
	{"2xx with data.request_uuid", accepted("u"), false, once, slices.Concat(
		bodies(200, `{"data":{"request_uuid":"u","status":"queued"},"message":"success"}`, `{"data":{"request_uuid":"u","request_uuid":"u"}}`,
			"\ufeff"+`{"data":{"request_uuid":"u"}}`, " \r\n"+`{"data":{"request_uuid":"u"}}`+"\n", `{"data":{"request_uuid":"u"},"org":"`+"\xff"+`"}`,
			`{"data":{"request_uuid":"u"},"org":"\ud800"}`, `{"data":{"request_uuid":" u "}}`, `{"data":{"request_uuid":"u"}} and more`),
		bodies(201, `{"data":{"request_uuid":"u"}}`, `{"message":"Service temporarily unavailable","data":{"request_uuid":"u"}}`),
		bodies(202, `{"data":{"request_uuid":"u","status":"failed?"}}`), bodies(299, `{"data":{"request_uuid":"u"}}`),
		[]Response{failing(body(201, `{"data":{"request_uuid":"u"}}`), Truncated, WrittenWhole), followed(body(201, `{"data":{"request_uuid":"u"}}`))},
	)},
	{"2xx with data.request_uuid", accepted("12345"), false, once, bodies(201, `{"data":{"request_uuid":12345}}`)},
	{"2xx with data.request_uuid", accepted("true"), false, once, bodies(201, `{"data":{"request_uuid":true}}`)},
	{"2xx with data.request_uuid", accepted(`["u"]`), false, once, bodies(201, `{"data":{"request_uuid":[ "u" ]}}`)},
	{"2xx with data.request_uuid", accepted(`{"id":1}`), false, once, bodies(201, `{"data":{"request_uuid":{"id": 1}}}`)},
	{"2xx with data.request_uuid", accepted(strings.Repeat("u", maxRequestUUID)), false, once, bodies(201, `{"data":{"request_uuid":"`+strings.Repeat("u", 500)+`"}}`)},
	{"2xx without it, malformed, empty or HTML", sick(call.BadAnswer), false, once, slices.Concat(
		bodies(200, `{"data":{"status":"queued"},"message":"success"}`, `{"data":{"request_uuid":""}}`, `{"data":{"request_uuid":" \n "}}`,
			`{"data":{"request_uuid":null}}`, `{"data":{"request_uuid":[]}}`, `{"data":{"request_uuid":{}}}`, `{"data":{"request_uuid":false}}`,
			`{"data":[{"request_uuid":"u"}]}`, `{"request_uuid":"u"}`, `{"data":{"data":{"request_uuid":"u"}}}`, `{"data":{"call_uuid":"u"}}`,
			`{"data":null,"message":"success"}`, `{"data":{"request_uuid":`, `{"data":{"request_uuid":"u"`, `[{"data":{"request_uuid":"u"}}]`,
			`"request_uuid"`, `OK`, `{"data":{"request_uuid":"\u0000"}}`),
		pages(200, 201, 206), bodies(201, ``), bodies(204, ``), said(200, "Service temporarily unavailable"),
		[]Response{
			failing(body(201, `{"data":{"req`), Truncated, WrittenWhole), failing(body(201, ``), Timeout, WrittenWhole),
			failing(page(200), TooLarge, WrittenWhole), failing(body(201, "\x00"), NotDecoded, WrittenWhole),
		},
	)},

	// An answer that contradicts itself, where it would be refused, suspended or †.
	{"", held(call.BadAnswer), false, once, slices.Concat(
		bodies(429, `{"data":{"request_uuid":"u"}}`, `{"data":{"request_uuid":7}}`, `{"message":"Too many requests","call_uuid":"u"}`, `{"callUuid":"u"}`,
			`[{"a":[{"request-uuid":"u"}]}]`, `{"data":[1]}`, `{"data":"queued"}`, `{"data":0}`, `{"detail":"{\"request_uuid\":\"u\"}"}`,
			`{"message":"Too many requests"} {}`, `{"message":"Too many requests"}`+"\n\x00", `<call_uuid>u</call_uuid>`, `{"request_uuid":"u"`, `request_uuid=u`,
			`<p>request_uuid&quot;:&quot;u</p>`, "r\x00e\x00q\x00u\x00e\x00s\x00t\x00_\x00u\x00u\x00i\x00d\x00=\x00u\x00"),
		bodies(500, `{"data":{"request_uuid":"u"},"message":"Internal server error"}`, `{"message":"Failed to initiate outbound call","data":{"status":"queued"}}`,
			`{"message":"Failed to initiate outbound call: user busy","call_uuid":"u"}`, `{"message":"Service temporarily unavailable","message":"Call queued"}`),
		bodies(401, `{"message":"UnAuthorized","data":{"user":1}}`), bodies(403, `{"message":"Forbidden","request_uuid":"u"}`),
		bodies(307, `{"request_uuid":"u"}`), bodies(302, `{"data":{"request_uuid":"u"}}`), bodies(425, `{"request_uuid":"u"}`),
		bodies(499, `{"request_uuid":"u"}`),
		[]Response{
			failing(page(401), TooLarge, WrittenWhole), failing(page(302), Truncated, WrittenWhole),
			failing(page(402), NotDecoded, WrittenWhole), followed(answered(429, "Too many requests")), followed(answered(401, "UnAuthorized")),
			failing(page(408), Truncated, WrittenPartly), followed(answered(500, "Failed to initiate outbound call")),
		},
	)},
	{"", sick(call.BadAnswer), false, once, slices.Concat(
		bodies(500, `{"message":"Service temporarily unavailable","data":{"request_uuid":"u"}}`, `{"message":"Service temporarily unavailable"} trailing`,
			`{"message":"Internal server error","message":"Service temporarily unavailable"}`, `{"message":"Service temporarily unavailable"}{"message":"Service temporarily unavailable"}`),
		bodies(502, `<a href="/?call_uuid=u">`), bodies(521, `request_uuid: u`), bodies(503, `{"data":{"request_uuid":"u"}}`),
		[]Response{
			failing(answered(500, "Service temporarily unavailable"), Truncated, WrittenWhole), failing(page(502), TooLarge, WrittenWhole),
			failing(page(523), ConnectionLost, WrittenWhole), failing(Response{Status: 503}, NotHTTP, WrittenWhole),
			asking(body(503, `{"message":"no","data":{"request_uuid":"u"}}`), "5"), followed(page(521)),
		},
	)},
	{"", held(call.TimedOut), false, once, []Response{failing(page(429), Timeout, WrittenWhole), failing(page(303), Timeout, WrittenWhole)}},
	{"", sick(call.TimedOut), false, once, []Response{failing(page(500), Timeout, WrittenWhole)}},

	// 3xx.
	{"307, 308", stopped(call.Redirected), false, whileAlive, slices.Concat(pages(307, 308), said(307, "Moved"), bodies(308, ``))},
	{"any other 3xx", held(call.Ambiguous), true, once, slices.Concat(pages(300, 301, 302, 303, 304, 305, 399), said(302, "Found", "Service temporarily unavailable"))},

	// 4xx.
	{"400 number not linked", ended(call.NumberNotLinked), false, once, slices.Concat(said(400,
		"VoIP number +918012345678 is not linked to any SFVoPI app for this org", "voip number x IS NOT LINKED TO ANY SFVOPI APP", "is not linked to any SFVoPI app"),
		bodies(400, "\ufeff"+`{"message":"VoIP number is not linked to any SFVoPI app","statusCode":400,"statusCode":400}`))},
	{"any other 400, 413, 414, 422, 431", ended(call.InvalidRequest), false, once, slices.Concat(
		said(400, "to must be E.164", "Invalid phone number", "Invalid request body", "VoIP number is not linked", "Service temporarily unavailable", "Failed to initiate outbound call"),
		pages(400, 413, 414, 422, 431), said(422, "no"), bodies(400, `is not linked to any SFVoPI app`, `{"message":"no","data":{"field":"to"}}`, `{"request_uuid":"u"}`),
		[]Response{failing(body(400, `{"mess`), Truncated, WrittenWhole), failing(page(413), TooLarge, WrittenWhole)},
	)},
	{"401", stopped(call.Unauthorized), false, whileAlive, slices.Concat(said(401, "UnAuthorized", "UnAuthorized, Please Login",
		"UnAuthorized, Please Login to Organisation", "UnAuthorized, Please Provide API Key", "UnAuthorized, Please Provide Valid API Key", "Service temporarily unavailable"),
		pages(401), bodies(401, ``, `{"message":`, `{"message":"UnAuthorized","data":null,"request_uuid":null}`, `{"message":"UnAuthorized","data":{},"call_uuid":""}`))},
	{"402", stopped(call.PaymentRequired), false, whileAlive, slices.Concat(said(402, "pay", "Insufficient balance"), pages(402))},
	{"403", stopped(call.Forbidden), false, whileAlive, slices.Concat(said(403, "Forbidden resource"), pages(403), bodies(403, ``))},
	{"404, 405, 415, 501", stopped(call.EndpointMissing), false, whileAlive, slices.Concat(pages(404, 405, 415, 501),
		said(404, "Cannot POST /sfvopi/calls"), bodies(404, "404 page not found\n"), said(501, "Not Implemented"))},
	{"425", call.Outcome{Class: call.Refused, Reason: call.NotHandled}, false, attempts, slices.Concat(pages(425), said(425, "Too Early"), bodies(425, ``))},
	{"408 before the whole request was written", call.Outcome{Class: call.Refused, Reason: call.NotHandled}, false, attempts, []Response{
		failing(page(408), NoFailure, WrittenPartly), failing(answered(408, "Request Timeout"), NoFailure, WrittenPartly), failing(body(408, ""), NoFailure, WrittenNothing),
	}},
	{"406, 408 after the whole request was written, 460, 499", held(call.Ambiguous), true, once, slices.Concat(
		said(408, "Request Timeout"), pages(406, 408, 460, 499), said(406, "Not Acceptable"), said(499, "Client Closed Request"))},
	{"409 already linked", ended(call.NotPermitted), false, once, said(409, "VoIP number is already linked to another SFVoPI app", "ALREADY LINKED", "It is already linked.")},
	{"409", held(call.Ambiguous), false, once, slices.Concat(said(409, "Conflict", "linked already"), pages(409), bodies(409, `already linked`))},
	{"429", limited(0), false, whileAlive, slices.Concat(said(429, "Too many requests"), pages(429), bodies(429, ``), []Response{
		asking(page(429), "soon"), asking(page(429), "-1"), asking(page(429), "1."), asking(page(429), httpDate(noon)), asking(page(429), httpDate(noon.Add(-time.Minute))),
	})},
	{"429", limited(7 * time.Second), false, whileAlive, []Response{asking(answered(429, "Too many requests"), "7"), asking(page(429), "6.2"), asking(page(429), "7.000")}},
	{"429", limited(time.Second), false, whileAlive, []Response{asking(page(429), "0"), asking(page(429), "0.1"), asking(page(429), "1")}},
	{"429", limited(90 * time.Second), false, whileAlive, []Response{asking(page(429), httpDate(noon.Add(90*time.Second))), asking(page(429), "90")}},
	{"429", limited(time.Hour), false, whileAlive, []Response{asking(page(429), "31536000"), asking(page(429), "99999999999999999999.5"), asking(page(429), httpDate(noon.Add(48*time.Hour)))}},
	{"other 4xx", ended(call.NotPermitted), false, once, slices.Concat(said(410, "Gone"), pages(407, 411, 412, 416, 417, 421, 423, 424, 426, 428, 451, 498))},

	// The answer webhook.
	{"502 about the answer webhook", rang(), false, once, said(502, "Both answer_url and fallback_answer_url failed", "Webhook response failed schema validation",
		"answer_url timeout", "answer_url returned HTTP 503", "answer_url connection failed: connect ECONNREFUSED, service unavailable, please try again",
		"Invalid webhook response from answer_url", "ANSWER_URL TIMEOUT")},
	{"any other 5xx about the answer webhook", held(call.Ambiguous), false, once, slices.Concat(
		said(500, "answer_url timeout, please try again", "Failed to initiate outbound call: answer_url returned HTTP 404", "Failed to get SFVoPI app: webhook",
			"Answer URL is temporarily unavailable", "Service temporarily unavailable (webhook)"),
		said(502, "answer_url failed", "web-hook"), said(521, "answerUrl"), []Response{asking(answered(503, "Webhook unavailable"), "5")},
		bodies(500, `{"message":"Service temporarily unavailable","error":"answer_url timeout"}`), bodies(504, `<p>webhook</p>`))},

	// 5xx by which the provider declares that it did nothing.
	{"5xx that declares itself not handled", down(0), false, attempts, slices.Concat(said(500,
		"Service temporarily unavailable", "service TEMPORARILY unavailable.", " Service  temporarily unavailable ", "Service is temporarily unavailable",
		"The service is currently unavailable", "Our service is currently unavailable, please try again later.", "Voice service is temporarily unavailable. Please retry",
		"Calling service temporarily unavailable; please try again", "Service temporarily unavailable - please retry", "Service currently unavailable", "The service is overloaded", "The service is under maintenance."),
		said(502, "Service temporarily unavailable"), said(503, "Service temporarily unavailable"), said(521, "Service temporarily unavailable"),
		bodies(500, "\ufeff"+`{"message":"Service temporarily unavailable"}`, `{"message":"Service temporarily unavailable","message":"Service temporarily unavailable"}`,
			`{"statusCode":500,"message":"Service temporarily unavailable","data":null,"request_uuid":""}`, `{"message":"Service temporarily unavailable","x":"\udc00"}`))},
	{"5xx that declares itself not handled", down(9 * time.Second), false, attempts, []Response{asking(answered(500, "Service temporarily unavailable"), "9")}},
	{"5xx whose look-up failed", down(0), false, attempts, said(500, "Failed to get app by number: connection pool exhausted", "failed to get SFVoPI app: connect ECONNREFUSED 10.0.0.7:5432",
		"Failed to get SFVoPI app: relation does not exist", "Failed to get app by number:")},
	{"any other 5xx with the envelope", held(call.Ambiguous), true, once, slices.Concat(
		said(500, "Internal server error", "", "Failed to get app by number: connection timeout", "Failed to get SFVoPI app: read ECONNRESET", "Failed to get SFVoPI app: pool closed",
			"Failed to get SFVoPI app: operation exceeded time limit", "Failed to get SFVoPI app: query took too long", "Failed to get SFVoPI app: context canceled", "Failed to get app by number: request was already placed",
			"Failed to get SFVoPI app: Connection terminated unexpectedly", "Failed to get SFVoPI app: call already queued", "Failed to get SFVoPI app: Request failed with status code 504", "Failed to get SFVoPI apps: x", "Failed to get SFVoPI app",
			"480 Temporarily Unavailable", "Subscriber is temporarily unavailable", "The subscriber's service is temporarily unavailable", "Temporarily unavailable", "Unavailable",
			"Telephony is Unavailable", "Service unavailable", "Service Temporarily Unavailable!", "Service temporarily unavailable: timeout", "Service temporarily unavailable, call was queued",
			"The callee's service temporarily unavailable", "Service was temporarily unavailable", "Server overloaded", "Service is overloaded", "Down for maintenance",
			"Please try again later", "Something went wrong, please try again", "Too many calls in progress", "Upstream timed out, try again",
			"Failed to initiate outbound call!", "Failed to initiate outbound call.", "Failed to initiate outbound call again", "Could not initiate: Failed to initiate outbound call"),
		said(502, "Bad Gateway", "Too many calls in progress", "Failed to initiate outbound call", "Failed to initiate outbound call: connect ECONNREFUSED"),
		said(503, "Service Unavailable", "no", "upstream connect error or disconnect/reset before headers"),
		said(504, "Endpoint request timed out", "Please try again later"), said(507, "Insufficient Storage"), said(520, "x"), said(521, "Web server is down"), said(523, "x"),
		[]Response{asking(answered(503, "Service Unavailable"), "soon"), asking(answered(503, "no"), httpDate(noon.Add(-time.Second))), asking(answered(500, "no"), "9"), asking(answered(502, "no"), "9")})},

	// 500 Failed to initiate outbound call.
	{"500 Failed to initiate outbound call", again(), false, attempts, said(500, "Failed to initiate outbound call", "FAILED to initiate outbound CALL", " Failed to initiate outbound call ")},
	{"500 Failed to initiate: no connection", again(), false, attempts, failedWith(
		"connect ECONNREFUSED 10.0.0.7:443", "ECONNREFUSED", "getaddrinfo ENOTFOUND carrier.internal", "getaddrinfo EAI_AGAIN x", "connect EHOSTUNREACH 10.0.0.7:5060",
		"connect ENETUNREACH [2001:db8::1]:443", "ENETDOWN", "connect ECONNREFUSED ::1:443", "connect ECONNREFUSED carrier:5060", "connect ENETUNREACH localhost",
		"Request failed with status code 400", "Request failed with status code 404", "Request failed with status code 422")},
	{"500 Failed to initiate: no room", call.Outcome{Class: call.Refused, Reason: call.Capacity, ThrottlesAccount: true, RetryAfter: CapacityRetryAfter}, false, attempts, failedWith(
		"Request failed with status code 429", "Request failed with status code 503", "Rate limit exceeded", "limit exceeded", "Too many requests",
		"No channels available", "no capacity", "Concurrency limit reached")},
	{"500 Failed to initiate: the account", stopped(call.AccountBlocked), false, whileAlive, failedWith(
		"Request failed with status code 401", "Request failed with status code 402", "Request failed with status code 403", "Insufficient balance", "insufficient credit",
		"Payment required", "Account suspended", "Invalid credentials", "Not configured")},
	{"500 Failed to initiate: the callee's number", ended(call.InvalidRequest), false, once, failedWith("Invalid number", "Unsupported number", "Unallocated", "Unallocated number")},
	{"500 Failed to initiate: the callee may not be called", ended(call.NotPermitted), false, once, failedWith("DND", "blocked", "Blocked")},
	{"500 Failed to initiate: anything else", held(call.CarrierLost), true, once, failedWith(
		"timeout of 10000ms exceeded", "Request timed out", "connect ETIMEDOUT 10.0.0.7:443", "ESOCKETTIMEDOUT", "context deadline exceeded", "read ECONNRESET", "ECONNABORTED",
		"write EPIPE", "Connection reset by peer", "socket hang up", "request aborted", "Connection closed", "Bad Gateway", "fetch failed",
		"no-answer", "user busy", "487 Request Terminated", "480 Temporarily Unavailable", "voicemail", "Call declined by user", "Unexpected token < in JSON", "failed to save call",
		"14 UNAVAILABLE", "DEADLINE_EXCEEDED", "read ECONNREFUSED", "ECONNREFUSED ETIMEDOUT", "connect EHOSTUNREACH ringing", "ECONNREFUSED timeout:", "ECONNREFUSED after ETIMEDOUT", "connect ECONNREFUSED 10.0.0.7:443, then queued", "no channel",
		"Request failed with status code 500", "Request failed with status code 502", "Request failed with status code 504", "Request failed with status code 4000", "status code 400",
		"Rate limit exceeded by 3 calls", "Too many timeouts", "Too many calls", "Trunk capacity exceeded", "no capacity left after ringing", "busy: concurrency limit reached",
		"account suspended after the call", "Insufficient balance to continue the call", "Trunk not configured", "callee blocked the call", "Do not disturb", "number is DND",
		"Number is invalid", "unallocated or busy", "Carrier refused the call", "undefined", "", "5000 things")},

	// 503, CDNs, gateways.
	{"503 with the envelope and Retry-After", down(9 * time.Second), false, attempts, []Response{
		asking(answered(503, "Service Unavailable"), "9"), asking(answered(503, ""), "8.5"), asking(answered(503, "no"), httpDate(noon.Add(9*time.Second))),
	}},
	{"521, 523, 525, 526", unreached(), false, attempts, slices.Concat(pages(521, 523, 525, 526), bodies(521, `error code: 521`))},
	{"every other 5xx", sick(call.Ambiguous), true, once, slices.Concat(pages(500, 502, 503, 504, 505, 507, 511, 520, 522, 524, 527, 530, 599),
		bodies(500, "", `{"message":["Service temporarily unavailable"]}`, `{"message":null}`, `{"Message":"Service temporarily unavailable"}`, `{"error":{"message":"Service temporarily unavailable"}}`,
			`"Service temporarily unavailable"`, `[{"message":"Service temporarily unavailable"}]`, `Service temporarily unavailable`, `{"message":"Service temporarily unavailable"`,
			`{"message":"Service temporarily unavailable",}`, `500 {"message":"Service temporarily unavailable"}`),
		[]Response{asking(page(503), "9"), asking(body(503, ""), "9"), asking(body(503, `{"error":"x"}`), "9")})},

	// Nothing that we know.
	{"", sick(call.BadAnswer), false, once, bodies(101, "")},
	{"", sick(call.BadAnswer), false, once, bodies(600, "")},
	{"", sick(call.BadAnswer), false, once, bodies(-1, "")},
}

func accepted(uuid string) call.Outcome {
	return call.Outcome{Class: call.Placed, Reason: call.Accepted, RequestUUID: uuid}
}

// sick is an unknown that speaks of the provider, held one that speaks of this
// call alone.
func sick(r call.Reason) call.Outcome {
	return call.Outcome{Class: call.Unknown, Reason: r, FeedsBreaker: true}
}
func held(r call.Reason) call.Outcome    { return call.Outcome{Class: call.Unknown, Reason: r} }
func stopped(r call.Reason) call.Outcome { return call.Outcome{Class: call.Suspended, Reason: r} }
func ended(r call.Reason) call.Outcome   { return call.Outcome{Class: call.Rejected, Reason: r} }
func again() call.Outcome                { return call.Outcome{Class: call.Refused, Reason: call.InitiateFailed} }

func rang() call.Outcome {
	return call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, MayHaveRung: true}
}

func unreached() call.Outcome {
	return call.Outcome{Class: call.Refused, Reason: call.OriginUnreachable, FeedsBreaker: true}
}

func down(d time.Duration) call.Outcome {
	return call.Outcome{Class: call.Refused, Reason: call.ServiceUnavailable, FeedsBreaker: true, ThrottlesAccount: d > 0, RetryAfter: d}
}

func limited(d time.Duration) call.Outcome {
	return call.Outcome{Class: call.Refused, Reason: call.RateLimited, Unspent: true, ThrottlesAccount: true, RetryAfter: d}
}

func (a Response) String() string {
	return fmt.Sprintf("%d %.80s %s %v %s", a.Status, a.Body, a.Failure, a.Written, a.RetryAfter)
}

func TestClassify(t *testing.T) {
	n := 0
	for _, row := range contract {
		for _, a := range row.answers {
			n++
			t.Run(a.String(), func(t *testing.T) { checkOutcome(t, a, row.want, row.teamDecided, row.posts, row.rule) })
		}
	}
	if n < 250 {
		t.Errorf("only %d answers", n)
	}
}

func checkOutcome(t *testing.T, a Response, want call.Outcome, teamDecided bool, maxPosts int, name string) {
	t.Helper()
	got := Classify(a, RuleSettings{}, noon)
	if got.Status != a.Status {
		t.Errorf("status %d, want %d", got.Status, a.Status)
	}
	if n := posts(got); n != maxPosts {
		t.Errorf("one request may cause %d POSTs, want %d", n, maxPosts)
	}
	got.Status, got.Message = 0, ""
	if got != want {
		t.Errorf("hold:\n got %+v\nwant %+v", got, want)
	}
	if teamDecided {
		want.Class = call.Refused
	}
	under := Classify(a, RuleSettings{Ambiguous: RetryAmbiguous}, noon)
	under.Status, under.Message = 0, ""
	if under != want {
		t.Errorf("retry:\n got %+v\nwant %+v", under, want)
	}
	for _, o := range []call.Outcome{got, under} {
		if !slices.Contains(call.AttemptReasons(o.Class), o.Reason) {
			t.Errorf("reason %s is not one of class %s", o.Reason, o.Class)
		}
	}
	s := parse(a, noon)
	i := slices.IndexFunc(rules, func(r rule) bool { return r.when(&s) })
	if name != "" && (i < 0 || rules[i].name != name) {
		t.Errorf("decided by another rule than %q: %d", name, i)
	}
}

// Every rule has to be reached by a case above, or it is dead.
func TestEveryRuleIsReached(t *testing.T) {
	reached, names := make(map[string]int), make(map[string]bool)
	for _, row := range contract {
		reached[row.rule] += len(row.answers)
	}
	for _, r := range rules {
		least := 3
		if strings.Contains(r.name, "certificate") || strings.Contains(r.name, "given up") || strings.Contains(r.name, "out of") || strings.Contains(r.name, "first byte") {
			least = 1 // no answer: there is only one of the kind
		}
		if reached[r.name] < least {
			t.Errorf("rule %q: %d answers reach it", r.name, reached[r.name])
		}
		if names[r.name] || r.why == "" {
			t.Errorf("rule %q: its name must be its own, and it must say why", r.name)
		}
		names[r.name] = true
	}
}

// TestTheContractOverHTTP makes one attempt for each answer that can be sent,
// and counts what arrives.
func TestTheContractOverHTTP(t *testing.T) {
	var answer Response
	arrived := 0
	provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived++
		w.Header()["Content-Type"] = nil
		if answer.RetryAfter != "" {
			w.Header().Set("Retry-After", answer.RetryAfter)
		}
		w.WriteHeader(answer.Status)
		_, _ = w.Write(answer.Body) // a status without a body refuses it
	})
	client := newClient(t, Config{BaseURL: provider.URL})
	for _, row := range contract {
		for _, a := range row.answers {
			if a.Status < 200 || a.Failure != NoFailure || a.TrailingBytes || a.Written != WrittenWhole || strings.Contains(a.RetryAfter, "GMT") {
				continue
			}
			answer, arrived = a, 0
			got := client.Place(t.Context(), request(t), soon())
			if got.Class != row.want.Class || got.Reason != row.want.Reason || got.FeedsBreaker != row.want.FeedsBreaker || arrived != 1 {
				t.Errorf("%s: %+v by %d POSTs, want %+v", a, got, arrived, row.want)
			}
		}
	}
}

func TestNotDialledSetting(t *testing.T) {
	settings := RuleSettings{NotDialled: []string{"Queue is full", "answer_url timeout", "Failed to initiate outbound call: user busy", ""}}
	for _, c := range []struct {
		answer Response
		want   call.Class
	}{
		{answered(500, "Queue is full"), call.Refused},
		{answered(500, " queue is  FULL "), call.Refused},
		{answered(422, "Queue is full"), call.Refused},
		{answered(500, "Failed to initiate outbound call: user busy"), call.Refused},
		{answered(500, "Queue is full."), call.Unknown},
		{answered(500, "The Queue is full"), call.Unknown},
		{answered(500, ""), call.Unknown},
		{body(500, "Queue is full"), call.Unknown},
		{body(500, `{"message":"Queue is full","data":{"request_uuid":"u"}}`), call.Unknown},
		{body(500, `{"message":"Queue is full"} more`), call.Unknown},
		{followed(answered(500, "Queue is full")), call.Unknown},
		{failing(answered(500, "Queue is full"), Truncated, WrittenWhole), call.Unknown},
		{body(500, `{"message":"Queue is full","error":"webhook"}`), call.Unknown},
		{answered(502, "answer_url timeout"), call.Rejected},
		{answered(500, "answer_url timeout"), call.Unknown},
		{answered(201, "Queue is full"), call.Unknown},
	} {
		if got := Classify(c.answer, settings, noon); got.Class != c.want {
			t.Errorf("%s: %s %s, want %s", c.answer, got.Class, got.Reason, c.want)
		}
	}
}

func TestMessagesAreMasked(t *testing.T) {
	for name, a := range map[string]Response{
		"envelope": answered(400, "VoIP number +918012345678 is not linked to any SFVoPI app for this org"),
		"page":     body(502, "<p>no route to +91 80 1234 5678</p>"),
		"error":    {Failure: NotHTTP, Detail: `malformed HTTP response "+918012345678"`},
	} {
		got := Classify(a, RuleSettings{}, noon).Message
		if got == "" || strings.Contains(strings.ReplaceAll(got, " ", ""), "8012345678") {
			t.Errorf("%s: message %q", name, got)
		}
	}
}

// An operator who reads "Too many requests" must see why it was not believed.
func TestContradictionIsNamed(t *testing.T) {
	for want, a := range map[string]Response{
		"names a call":      body(429, `{"message":"Too many requests","call_uuid":"u"}`),
		"another answer":    followed(answered(429, "Too many requests")),
		"cannot be read":    failing(answered(429, "Too many requests"), Truncated, WrittenWhole),
		"Too many requests": body(429, `{"message":"Too many requests","data":[1]}`),
	} {
		if got := Classify(a, RuleSettings{}, noon); !strings.Contains(got.Message, want) {
			t.Errorf("%s: message %q, want %q in it", a, got.Message, want)
		}
	}
}

func TestRequestUUIDIsClean(t *testing.T) {
	got := Classify(body(200, `{"data":{"request_uuid":"a\u0000\nb\u202ec"}}`), RuleSettings{}, noon)
	if got.RequestUUID != "abc" {
		t.Errorf("request_uuid %q, want abc", got.RequestUUID)
	}
}

func TestDecodeBody(t *testing.T) {
	zipped := func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		say(z, s)
		z.Close()
		return b.Bytes()
	}
	for name, c := range map[string]struct {
		body   []byte
		coding string
		want   string
		fails  bool
	}{
		"plain":             {[]byte("x"), "", "x", false},
		"identity":          {[]byte("x"), "identity", "x", false},
		"gzip":              {zipped("x"), "gzip", "x", false},
		"x-gzip":            {zipped("x"), "X-GZIP", "x", false},
		"gzip unsaid":       {zipped("x"), "", "x", false},
		"nothing":           {nil, "br", "", false},
		"nothing, zipped":   {nil, "gzip", "", false},
		"brotli":            {[]byte("x"), "br", "x", true},
		"twice":             {zipped("x"), "gzip, gzip", string(zipped("x")), true},
		"no gzip":           {[]byte(`{"message":"no"}`), "gzip", `{"message":"no"}`, true},
		"cut short":         {zipped("xyz")[:14], "gzip", "", true},
		"larger than read":  {zipped(strings.Repeat("x", 100)), "gzip", strings.Repeat("x", 10), true},
		"broken at its end": {append(zipped("x")[:20], 1, 2, 3, 4, 5, 6), "gzip", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeBody(c.body, http.Header{"Content-Encoding": {c.coding}}, 10)
			if (err != nil) != c.fails || c.want != "" && string(got) != c.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
