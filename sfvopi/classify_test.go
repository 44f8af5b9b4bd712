package sfvopi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// answered is an answer in the provider's envelope, to a request written whole.
func answered(status int, message string) Answer {
	return Answer{Status: status, Body: fmt.Appendf(nil, `{"message":%q}`, message)}
}

func page(status int) Answer {
	return Answer{Status: status, Body: []byte("<html><body>gateway</body></html>")}
}

func body(status int, body string) Answer { return Answer{Status: status, Body: []byte(body)} }

func asking(a Answer, retryAfter string) Answer {
	a.RetryAfter = retryAfter
	return a
}

func failing(a Answer, f Failure, w Written) Answer {
	a.Failure, a.Written = f, w
	return a
}

// One case for every row and every text of the contract. want leaves out
// Status and Message; retry is the class under ambiguous: retry, if another.
var contract = []struct {
	name   string
	answer Answer
	want   call.Outcome
	retry  call.Class
}{
	// placed
	{"201 queued", body(201, `{"data":{"request_uuid":"sfv_ob_req_a8k3m2x9p1z0","status":"queued"},"message":"success"}`), accepted("sfv_ob_req_a8k3m2x9p1z0"), ""},
	{"200 queued", body(200, `{"data":{"request_uuid":"sfv_ob_req_a8k3m2x9p1z0","status":"queued"},"message":"success"}`), accepted("sfv_ob_req_a8k3m2x9p1z0"), ""},
	{"202 another data.status", body(202, `{"data":{"request_uuid":"u","status":"failed?"}}`), accepted("u"), ""},
	{"201 cut short after the whole JSON", failing(body(201, `{"data":{"request_uuid":"u"}}`), CutShort, WrittenWhole), accepted("u"), ""},
	{"201 with a uuid of many bytes", body(201, `{"data":{"request_uuid":"`+strings.Repeat("u", 500)+`"}}`), accepted(strings.Repeat("u", maxRequestUUID)), ""},

	// 2xx without it
	{"200 without uuid", body(200, `{"data":{"status":"queued"},"message":"success"}`), held(call.BadAnswer), ""},
	{"200 empty uuid", body(200, `{"data":{"request_uuid":""}}`), held(call.BadAnswer), ""},
	{"200 blank uuid", body(200, `{"data":{"request_uuid":" \n "}}`), held(call.BadAnswer), ""},
	{"200 uuid is a number", body(200, `{"data":{"request_uuid":7}}`), held(call.BadAnswer), ""},
	{"200 data is a list", body(200, `{"data":[{"request_uuid":"u"}]}`), held(call.BadAnswer), ""},
	{"200 null data", body(200, `{"data":null,"message":"success"}`), held(call.BadAnswer), ""},
	{"200 malformed", body(200, `{"data":{"request_uuid":`), held(call.BadAnswer), ""},
	{"200 HTML", page(200), held(call.BadAnswer), ""},
	{"201 empty", body(201, ``), held(call.BadAnswer), ""},
	{"204", body(204, ``), held(call.BadAnswer), ""},
	{"201 cut short", failing(body(201, `{"data":{"req`), CutShort, WrittenWhole), held(call.BadAnswer), ""},
	{"201 not in time", failing(body(201, ``), NotInTime, WrittenWhole), held(call.BadAnswer), ""},
	{"500 that names a call", body(500, `{"data":{"request_uuid":"u"},"message":"Service temporarily unavailable"}`), held(call.BadAnswer), ""},
	{"429 that names a call", body(429, `{"data":{"request_uuid":"u"}}`), held(call.BadAnswer), ""},

	// no answer
	{"interrupted", failing(Answer{}, WasInterrupted, WrittenNothing), call.Outcome{Class: call.Refused, Reason: call.Interrupted, Unspent: true}, ""},
	{"certificate invalid", failing(Answer{}, NotTrusted, WrittenNothing), call.Outcome{Class: call.Suspended, Reason: call.CertificateInvalid}, ""},
	{"no connection", failing(Answer{}, NotConnected, WrittenNothing), call.Outcome{Class: call.Refused, Reason: call.NotSent, FeedsBreaker: true}, ""},
	{"idle connection closed before the write", failing(Answer{}, ConnectionCut, WrittenNothing), call.Outcome{Class: call.Refused, Reason: call.NotSent, FeedsBreaker: true}, ""},
	{"timeout after the write", failing(Answer{}, NotInTime, WrittenWhole), held(call.TimedOut), call.Refused},
	{"timeout after a part", failing(Answer{}, NotInTime, WrittenPartly), held(call.TimedOut), call.Refused},
	{"reset after the write", failing(Answer{}, ConnectionCut, WrittenWhole), held(call.ConnectionLost), call.Refused},
	{"reset after a part", failing(Answer{}, ConnectionCut, WrittenPartly), held(call.ConnectionLost), call.Refused},
	{"not HTTP", failing(Answer{}, NotHTTP, WrittenWhole), held(call.BadAnswer), call.Refused},
	{"interrupted after the write", failing(Answer{}, WasInterrupted, WrittenWhole), held(call.BadAnswer), call.Refused},
	{"not connected after the write", failing(Answer{}, NotConnected, WrittenPartly), held(call.BadAnswer), call.Refused},
	{"401 too large", failing(page(401), TooLarge, WrittenWhole), held(call.BadAnswer), call.Refused},
	{"500 transient, cut short", failing(answered(500, "Service temporarily unavailable"), CutShort, WrittenWhole), held(call.BadAnswer), call.Refused},
	{"400 not in time", failing(body(400, ``), NotInTime, WrittenWhole), held(call.TimedOut), call.Refused},

	// 3xx
	{"301", page(301), stopped(call.Redirected), ""},
	{"307", page(307), stopped(call.Redirected), ""},
	{"308 with the envelope", answered(308, "Moved"), stopped(call.Redirected), ""},

	// 4xx
	{"400 not linked", answered(400, "VoIP number +918012345678 is not linked to any SFVoPI app for this org"), ended(call.NumberNotLinked), ""},
	{"400 other", answered(400, "to must be E.164"), ended(call.InvalidRequest), ""},
	{"400 HTML", page(400), ended(call.InvalidRequest), ""},
	{"413", page(413), ended(call.InvalidRequest), ""},
	{"414", page(414), ended(call.InvalidRequest), ""},
	{"422", answered(422, "no"), ended(call.InvalidRequest), ""},
	{"431", page(431), ended(call.InvalidRequest), ""},
	{"401 UnAuthorized", answered(401, "UnAuthorized"), stopped(call.Unauthorized), ""},
	{"401 login", answered(401, "UnAuthorized, Please Login"), stopped(call.Unauthorized), ""},
	{"401 organisation", answered(401, "UnAuthorized, Please Login to Organisation"), stopped(call.Unauthorized), ""},
	{"401 no key", answered(401, "UnAuthorized, Please Provide API Key"), stopped(call.Unauthorized), ""},
	{"401 invalid key", answered(401, "UnAuthorized, Please Provide Valid API Key"), stopped(call.Unauthorized), ""},
	{"401 HTML", page(401), stopped(call.Unauthorized), ""},
	{"402", answered(402, "pay"), stopped(call.PaymentRequired), ""},
	{"403", page(403), stopped(call.Forbidden), ""},
	{"404", answered(404, "Cannot POST /sfvopi/calls"), stopped(call.EndpointMissing), ""},
	{"405", page(405), stopped(call.EndpointMissing), ""},
	{"406", page(406), stopped(call.EndpointMissing), ""},
	{"415", page(415), stopped(call.EndpointMissing), ""},
	{"501", answered(501, "Not Implemented"), stopped(call.EndpointMissing), ""},
	{"425", page(425), call.Outcome{Class: call.Refused, Reason: call.NotHandled}, ""},
	{"408 written in part", failing(page(408), NoFailure, WrittenPartly), call.Outcome{Class: call.Refused, Reason: call.NotHandled}, ""},
	{"408 written whole", answered(408, "Request Timeout"), held(call.Ambiguous), call.Refused},
	{"409", answered(409, "Conflict"), held(call.Ambiguous), ""},
	{"409 already linked", answered(409, "VoIP number is already linked to another SFVoPI app"), ended(call.NotPermitted), ""},
	{"429", answered(429, "Too many requests"), limited(0), ""},
	{"429 seconds", asking(answered(429, "Too many requests"), "7"), limited(7 * time.Second), ""},
	{"429 date", asking(page(429), noon.Add(90*time.Second).Format(time.RFC1123[:len(time.RFC1123)-3])+"GMT"), limited(90 * time.Second), ""},
	{"429 garbage", asking(page(429), "soon"), limited(0), ""},
	{"429 a year", asking(page(429), "31536000"), limited(time.Hour), ""},
	{"410", answered(410, "Gone"), ended(call.NotPermitted), ""},
	{"423", page(423), ended(call.NotPermitted), ""},
	{"451", page(451), ended(call.NotPermitted), ""},

	// 500 with a documented text
	{"500 temporarily unavailable", answered(500, "Service temporarily unavailable"), down(0), ""},
	{"500 failed to initiate", answered(500, "Failed to initiate outbound call"), again(), ""},
	{"500 look-up by number", answered(500, "Failed to get app by number: connection timeout"), down(0), ""},
	{"500 look-up of app", answered(500, "Failed to get SFVoPI app: pool closed"), down(0), ""},

	// 502 about the answer webhook
	{"502 both failed", answered(502, "Both answer_url and fallback_answer_url failed"), rang(), ""},
	{"502 schema", answered(502, "Webhook response failed schema validation"), rang(), ""},
	{"502 answer_url timeout", answered(502, "answer_url timeout"), rang(), ""},
	{"502 answer_url HTTP 503", answered(502, "answer_url returned HTTP 503"), rang(), ""},
	{"502 answer_url connection", answered(502, "answer_url connection failed: connect ECONNREFUSED, service unavailable, try again"), rang(), ""},
	{"502 invalid response", answered(502, "Invalid webhook response from answer_url"), rang(), ""},
	{"500 about the answer webhook", answered(500, "answer_url timeout, try again"), held(call.Ambiguous), ""},
	{"503 about the answer webhook", asking(answered(503, "Webhook unavailable"), "5"), held(call.Ambiguous), ""},

	// 5xx that declares itself not handled
	{"500 unavailable", answered(500, "Telephony is Unavailable"), down(0), ""},
	{"500 overloaded", answered(500, "Server overloaded"), down(0), ""},
	{"500 maintenance", answered(500, "Down for maintenance"), down(0), ""},
	{"502 too many", answered(502, "Too many calls in progress"), down(0), ""},
	{"504 try again", answered(504, "Please try again later"), down(0), ""},
	{"500 try again, timed out", answered(500, "Upstream timed out, try again"), held(call.Ambiguous), call.Refused},
	{"503 reset", answered(503, "upstream connect error or disconnect/reset before headers"), held(call.Ambiguous), call.Refused},
	{"503 envelope", answered(503, "Service Unavailable"), down(0), ""},
	{"503 envelope, any text", answered(503, "no"), down(0), ""},
	{"503 envelope with Retry-After", asking(answered(503, "Service Unavailable"), "9"), down(9 * time.Second), ""},
	{"503 page with Retry-After", asking(page(503), "9"), down(9 * time.Second), ""},
	{"503 page with a Retry-After that says nothing", asking(page(503), "soon"), held(call.Ambiguous), call.Refused},

	// other 5xx
	{"500 other", answered(500, "Internal server error"), held(call.Ambiguous), call.Refused},
	{"500 initiate, spelled otherwise", answered(500, "Failed to initiate outbound call!"), held(call.Ambiguous), call.Refused},
	{"500 page", page(500), held(call.Ambiguous), call.Refused},
	{"500 empty", body(500, ""), held(call.Ambiguous), call.Refused},
	{"500 envelope of another form", body(500, `{"message":["Service temporarily unavailable"]}`), held(call.Ambiguous), call.Refused},
	{"500 envelope and more", body(500, `{"message":"Service temporarily unavailable"} trailing`), held(call.Ambiguous), call.Refused},
	{"500 text in a page", body(500, `Service temporarily unavailable`), held(call.Ambiguous), call.Refused},
	{"502 page", page(502), held(call.Ambiguous), call.Refused},
	{"502 envelope", answered(502, "Bad Gateway"), held(call.Ambiguous), call.Refused},
	{"503 page", page(503), held(call.Ambiguous), call.Refused},
	{"504 page", page(504), held(call.Ambiguous), call.Refused},
	{"504 envelope", answered(504, "Endpoint request timed out"), held(call.Ambiguous), call.Refused},
	{"507 envelope", answered(507, "Insufficient Storage"), held(call.Ambiguous), call.Refused},
	{"520", page(520), held(call.Ambiguous), call.Refused},
	{"522", page(522), held(call.Ambiguous), call.Refused},
	{"524", page(524), held(call.Ambiguous), call.Refused},
	{"599", page(599), held(call.Ambiguous), call.Refused},
	{"521", page(521), unreached(), ""},
	{"523", page(523), unreached(), ""},
	{"525", page(525), unreached(), ""},
	{"526", page(526), unreached(), ""},

	// nothing we know
	{"101", body(101, ""), held(call.BadAnswer), ""},
	{"600", body(600, ""), held(call.BadAnswer), ""},
	{"-1", body(-1, ""), held(call.BadAnswer), ""},
}

// The {error} of a 500 "Failed to initiate outbound call: {error}".
var initiateErrors = []struct {
	want  call.Outcome
	retry call.Class
	texts []string
}{
	{held(call.CarrierLost), call.Refused, []string{
		"timeout of 10000ms exceeded", "Request timed out", "Time-out", "TIME OUT", "connect ETIMEDOUT 10.0.0.7:443",
		"ESOCKETTIMEDOUT", "context deadline exceeded", "read ECONNRESET", "ECONNABORTED", "write EPIPE", "Broken pipe",
		"Connection reset by peer", "socket hang up", "socket Hangup", "request aborted", "The operation was aborted",
		"Connection closed", "Bad Gateway", "Request failed with status code 503", "502", "HTTP500", "(504)",
		"ECONNREFUSED after ETIMEDOUT", "Too many timeouts", "insufficient balance; gateway said 402",
		"answer_url returned HTTP 404", "no answer", "Call declined by user",
	}},
	{again(), "", []string{
		"connect ECONNREFUSED 10.0.0.7:443", "getaddrinfo ENOTFOUND carrier.internal", "getaddrinfo EAI_AGAIN x",
		"connect EHOSTUNREACH 10.0.0.7:5060", "ECONNREFUSED, no channel",
		"Carrier refused the call", "undefined", "", "5000 things", "15030",
	}},
	{call.Outcome{Class: call.Refused, Reason: call.Capacity, SlowsAccount: true, RetryAfter: CapacityRetryAfter}, "", []string{
		"Rate limit exceeded", "rate-limited", "Too many calls", "Request was throttled", "Trunk capacity exceeded",
		"Concurrency limit reached", "max concurrent calls", "No free channel", "channel suspended",
	}},
	{stopped(call.AccountBlocked), "", []string{
		"Insufficient balance", "Credit exhausted", "Payment overdue", "Account suspended", "Wrong credentials",
		"Trunk not configured", "balance too low to call blocked number",
	}},
	{ended(call.InvalidRequest), "", []string{"Invalid number", "The number +919812345678 is invalid", "Unsupported number", "Unallocated"}},
	{ended(call.NotPermitted), "", []string{"Number is on the DND list", "Do not disturb", "Destination blocked"}},
}

func accepted(uuid string) call.Outcome {
	return call.Outcome{Class: call.Placed, Reason: call.Accepted, RequestUUID: uuid}
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
	return call.Outcome{Class: call.Refused, Reason: call.ServiceUnavailable, FeedsBreaker: true, SlowsAccount: d > 0, RetryAfter: d}
}

func limited(d time.Duration) call.Outcome {
	return call.Outcome{Class: call.Refused, Reason: call.RateLimited, Unspent: true, SlowsAccount: true, RetryAfter: d}
}

func TestClassify(t *testing.T) {
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) { checkOutcome(t, c.answer, c.want, c.retry) })
	}
	for _, group := range initiateErrors {
		for _, text := range group.texts {
			t.Run("initiate: "+text, func(t *testing.T) {
				checkOutcome(t, answered(500, "Failed to initiate outbound call: "+text), group.want, group.retry)
			})
		}
	}
}

func checkOutcome(t *testing.T, a Answer, want call.Outcome, retry call.Class) {
	t.Helper()
	got := Classify(a, Hold, noon)
	if got.Status != a.Status {
		t.Errorf("status %d, want %d", got.Status, a.Status)
	}
	if !slices.Contains(call.AttemptReasons(got.Class), got.Reason) {
		t.Errorf("reason %s is not one of class %s", got.Reason, got.Class)
	}
	got.Status, got.Message = 0, ""
	if got != want {
		t.Errorf("hold:\n got %+v\nwant %+v", got, want)
	}
	if retry == "" {
		retry = want.Class
	}
	under := Classify(a, Retry, noon)
	if under.Class != retry || under.Reason != want.Reason {
		t.Errorf("retry: got %s %s, want %s %s", under.Class, under.Reason, retry, want.Reason)
	}
	if !slices.Contains(call.AttemptReasons(under.Class), under.Reason) {
		t.Errorf("retry: reason %s is not one of class %s", under.Reason, under.Class)
	}
}

// Every row has to be reached by some case above, or it is dead.
func TestEveryRowIsReached(t *testing.T) {
	answers := make([]Answer, 0, len(contract))
	for _, c := range contract {
		answers = append(answers, c.answer)
	}
	for _, group := range initiateErrors {
		for _, text := range group.texts {
			answers = append(answers, answered(500, "Failed to initiate outbound call: "+text))
		}
	}
	reached := make(map[string]bool)
	for _, a := range answers {
		s := see(a, noon)
		if i := slices.IndexFunc(table, func(r row) bool { return r.when(&s) }); i >= 0 {
			reached[table[i].name] = true
		}
	}
	for _, r := range table {
		if !reached[r.name] {
			t.Errorf("row %q: no case of the contract reaches it first", r.name)
		}
	}
}

// Whatever a row can come to, under either policy, is a pair that the rest of
// the program knows.
func TestEveryRowHasAKnownReason(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range append(slices.Clone(table), row{name: "everything else", then: everythingElse, why: "-"}) {
		if names[r.name] || r.why == "" {
			t.Errorf("row %q: its name must be its own, and it must say why", r.name)
		}
		names[r.name] = true
		for _, policy := range []Ambiguous{Hold, Retry} {
			o := r.then.outcome(&seen{}, policy)
			if !slices.Contains(call.AttemptReasons(o.Class), o.Reason) {
				t.Errorf("row %q under %s: %s is not a reason of %s", r.name, policy, o.Reason, o.Class)
			}
		}
	}
}

func TestMessagesAreMasked(t *testing.T) {
	for name, a := range map[string]Answer{
		"envelope": answered(400, "VoIP number +918012345678 is not linked to any SFVoPI app for this org"),
		"page":     body(502, "<p>no route to +91 80 1234 5678</p>"),
		"error":    {Failure: NotHTTP, Detail: `malformed HTTP response "+918012345678"`},
	} {
		got := Classify(a, Hold, noon).Message
		if got == "" || strings.Contains(strings.ReplaceAll(got, " ", ""), "8012345678") {
			t.Errorf("%s: message %q", name, got)
		}
	}
}

func TestRequestUUIDIsClean(t *testing.T) {
	got := Classify(body(200, `{"data":{"request_uuid":"a\u0000\nb\u202ec"}}`), Hold, noon)
	if got.RequestUUID != "abc" {
		t.Errorf("request_uuid %q, want abc", got.RequestUUID)
	}
}
