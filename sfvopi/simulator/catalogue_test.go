package simulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// The timeout of the client in the tests that run on fake time.
const clientTimeout = 30 * time.Second

func TestEveryFaultOverTCP(t *testing.T) {
	for _, fault := range Faults() {
		if fault.Behaviour == Hang || fault.Behaviour == Stall || fault.Delay > 0 {
			continue // these take time: TestEveryFaultInABubble has them
		}
		t.Run(fault.Name, func(t *testing.T) { checkFault(t, overTCP(t, Config{}), fault, syscall.ECONNRESET) })
	}
}

func TestEveryFaultInABubble(t *testing.T) {
	for _, fault := range Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkFault(t, overPipe(t, Config{}), fault, io.EOF) })
		})
	}
}

// checkFault strikes one request, and checks what its client sees and what the
// oracle knows.
func checkFault(t *testing.T, p *provider, fault Fault, reset error) {
	t.Helper()
	rule := Rule{Name: "test", Fault: fault.Name}
	method, path, body := "POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL)
	if fault.Scope == Lookups {
		rule.On, method, path, body = Lookups, "GET", "/sfvopi/apps", ""
	}
	if err := p.PutRule(rule); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientTimeout)
	defer cancel()
	began := time.Now()
	got := p.do(ctx, method, path, body)
	checkAnswer(t, fault, got, reset)
	if took := time.Since(began); took < fault.Delay {
		t.Errorf("answered after %s, the fault delays by %s", took, fault.Delay)
	}
	checkRings(t, p, fault, got)
}

func checkAnswer(t *testing.T, fault Fault, got answer, reset error) {
	t.Helper()
	wantErr := map[Behaviour]error{
		CutShort: io.ErrUnexpectedEOF, Stall: context.DeadlineExceeded, Hang: context.DeadlineExceeded,
		Close: io.EOF, Reset: reset, CloseUnread: io.EOF, ResetUnread: reset,
	}[fault.Behaviour]
	switch {
	case fault.Behaviour == NotHTTP:
		if got.err == nil || !strings.Contains(got.err.Error(), "malformed HTTP response") {
			t.Fatalf("got %d %v, want an answer that is not HTTP", got.status, got.err)
		}
	case fault.Behaviour == CloseUnread || fault.Behaviour == ResetUnread:
		// Closing over unread bytes resets a TCP connection too, and the client
		// may notice while it is still writing.
		if got.err == nil || errors.Is(got.err, context.DeadlineExceeded) {
			t.Fatalf("got %d %v, want a broken connection", got.status, got.err)
		}
	case !errors.Is(got.err, wantErr):
		t.Fatalf("got error %v, want %v", got.err, wantErr)
	}
	if fault.Behaviour == Hang || fault.Behaviour == Close || fault.Behaviour == NotHTTP {
		return
	}
	if got.status != fault.Status && !errors.Is(wantErr, reset) && fault.Behaviour != CloseUnread {
		t.Errorf("got status %d, want %d", got.status, fault.Status)
	}
	if wantErr != nil {
		return
	}
	fill := strings.NewReplacer("{number}", DefaultNumber, "{error}", fault.Error, "{status}", "503")
	if fault.Message != "" && got.body != message(fill.Replace(fault.Message)) {
		t.Errorf("got body %s, want the message %q", got.body, fill.Replace(fault.Message))
	}
	before, _, _ := strings.Cut(strings.Replace(fault.Body, "{padding}", strings.Repeat("x", 1<<20), 1), "{request_uuid}")
	if !strings.HasPrefix(got.body, before) {
		t.Errorf("got body %.80s, want %.80s", got.body, before)
	}
	if strings.ContainsAny(got.header.Get("Location")+got.header.Get("Retry-After"), "{}") {
		t.Errorf("a placeholder is left in the headers %v", got.header)
	}
	checkHeaders(t, fault, got)
}

func checkHeaders(t *testing.T, fault Fault, got answer) {
	t.Helper()
	for name, value := range fault.Header {
		switch value {
		case "{location}":
			if !strings.HasSuffix(got.header.Get(name), "/sfvopi/calls") {
				t.Errorf("Location %q does not lead back", got.header.Get(name))
			}
		case "{retry_seconds}":
			if _, err := strconv.Atoi(got.header.Get(name)); err != nil {
				t.Errorf("%s %q is no number of seconds", name, got.header.Get(name))
			}
		case "{retry_date}":
			if _, err := http.ParseTime(got.header.Get(name)); err != nil {
				t.Errorf("%s %q is no HTTP date", name, got.header.Get(name))
			}
		default:
			if got.header.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
			}
		}
	}
}

func checkRings(t *testing.T, p *provider, fault Fault, got answer) {
	t.Helper()
	if fault.Scope == Lookups {
		if summary := p.Oracle().Summary; summary.Posts != 0 || summary.Lookups != 1 {
			t.Errorf("a look-up was recorded as %+v", summary)
		}
		return
	}
	want := 0
	if fault.Rings {
		want = 1
	}
	report, call := p.Oracle(), p.Call(testIdentity)
	if call.Rung != want || call.Accepted != want || len(call.Rings) != want {
		t.Errorf("rung %d times with %d calls accepted, want %d", call.Rung, call.Accepted, want)
	}
	posts := append(report.Unidentified, call.Posts...)
	if len(posts) != 1 || posts[0].Result != fault.Name {
		t.Fatalf("recorded %+v, want one POST that met %s", posts, fault.Name)
	}
	if unread := fault.Behaviour.unread(); unread != (len(report.Unidentified) == 1) {
		t.Errorf("unidentified POSTs: %d, and the fault reads the body: %t", len(report.Unidentified), !unread)
	}
	if fault.Rings && strings.Contains(fault.Body, "{request_uuid}") && !strings.Contains(got.body, call.Rings[0].RequestUUID) {
		t.Errorf("the answer does not hold the request_uuid that the oracle knows")
	}
}

func TestCatalogueHasEveryDocumentedText(t *testing.T) {
	texts := map[string]int{
		"VoIP number {number} is not linked to any SFVoPI app for this org": 400,
		"UnAuthorized":                                        401,
		"UnAuthorized, Please Login":                          401,
		"UnAuthorized, Please Login to Organisation":          401,
		"UnAuthorized, Please Provide API Key":                401,
		"UnAuthorized, Please Provide Valid API Key":          401,
		"VoIP number is already linked to another SFVoPI app": 409,
		"Service temporarily unavailable":                     500,
		"Failed to initiate outbound call":                    500,
		"Failed to initiate outbound call: {error}":           500,
		"Failed to get app by number: {error}":                500,
		"Failed to get SFVoPI app: {error}":                   500,
		"Failed to get SFVoPI apps: {error}":                  500,
		"Failed to get numbers: {error}":                      500,
		"Failed to get available numbers: {error}":            500,
		"Failed to link number: {error}":                      500,
		"Failed to unlink number: {error}":                    500,
		"Failed to create SFVoPI app: {error}":                500,
		"Failed to update SFVoPI app: {error}":                500,
		"Failed to delete SFVoPI app: {error}":                500,
		"App not found":                                       404,
		"SFVoPI app not found":                                404,
		"Both answer_url and fallback_answer_url failed":      502,
		"Webhook response failed schema validation":           502,
		"answer_url timeout":                                  502,
		"answer_url returned HTTP {status}":                   502,
		"answer_url connection failed: {error}":               502,
		"Invalid webhook response from answer_url":            502,
	}
	statuses := map[int]bool{}
	for _, fault := range Faults() {
		statuses[fault.Status] = true
		if texts[fault.Message] == fault.Status {
			delete(texts, fault.Message)
		}
		if strings.Contains(fault.Message, "answer_url") && !fault.Rings {
			t.Errorf("%s is about the answer webhook, so the phone rang", fault.Name)
		}
	}
	for text, status := range texts {
		t.Errorf("no fault answers %d %q", status, text)
	}
	for _, status := range []int{
		200, 201, 204, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 413, 414, 415, 422, 425,
		429, 431, 500, 501, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526,
	} {
		if !statuses[status] {
			t.Errorf("no fault answers %d", status)
		}
	}
}

func TestCatalogueIsUnambiguous(t *testing.T) {
	names, magic := map[string]bool{}, map[string]bool{}
	for _, fault := range Faults() {
		if fault.Name == "" || names[fault.Name] {
			t.Errorf("the name %q is empty or used twice", fault.Name)
		}
		names[fault.Name] = true
		if fault.Magic != "" && (len(fault.Magic) != 4 || magic[fault.Magic] || magicEndings[fault.Magic] != "") {
			t.Errorf("the magic %q of %s is not four digits of its own", fault.Magic, fault.Name)
		}
		magic[fault.Magic] = true
		if fault.Message != "" && fault.Body != "" {
			t.Errorf("%s has both a message and a body", fault.Name)
		}
	}
}

func TestHookFaultsAreUnambiguous(t *testing.T) {
	taken := map[string]bool{}
	for _, fault := range Faults() {
		taken[fault.Name], taken[fault.Magic] = true, true
	}
	for _, fault := range HookFaults() {
		if taken[fault.Name] || taken[fault.Magic] || len(fault.Magic) != 4 || magicEndings[fault.Magic] != "" || strings.HasPrefix(fault.Magic, magicRings) {
			t.Errorf("%+v has no name and four digits of its own", fault)
		}
		taken[fault.Name], taken[fault.Magic] = true, true
	}
}

func TestTwinsLookAlikeAndDifferInTheRing(t *testing.T) {
	twins := 0
	for _, rang := range Faults() {
		name, isTwin := strings.CutSuffix(rang.Name, "_rang")
		if !isTwin || rang.Behaviour == Hang || rang.Behaviour == NotHTTP {
			continue
		}
		twins++
		silent, ok := FaultByName(name)
		if !ok || silent.Rings || !rang.Rings {
			t.Errorf("%s and %s do not differ in the ring alone", name, rang.Name)
		}
		if silent.Status != rang.Status || silent.Message != rang.Message || silent.Body != rang.Body || silent.Behaviour != rang.Behaviour {
			t.Errorf("%s and %s can be told apart", name, rang.Name)
		}
	}
	if twins < 10 {
		t.Errorf("only %d answers have a twin that rang", twins)
	}
}

func TestACallerCannotChangeTheCatalogue(t *testing.T) {
	Faults()[0].Header["Content-Type"] = "changed"
	fault, _ := FaultByName(Faults()[0].Name)
	fault.Header["Content-Type"] = "changed"
	if Faults()[0].Header["Content-Type"] == "changed" {
		t.Error("the catalogue was changed through a copy")
	}
}

func TestMagicCalleesArePossibleNumbers(t *testing.T) {
	for _, fault := range Faults() {
		callee := MagicCallee(fault.Name, 2)
		if callee == "" {
			continue
		}
		number, err := phonenumbers.Parse(callee, "")
		if err != nil || !phonenumbers.IsPossibleNumber(number) {
			t.Errorf("%s for %s is not a possible number (%v)", callee, fault.Name, err)
		}
	}
}

func TestMagicCalleeMeetsItsFault(t *testing.T) {
	p := overTCP(t, Config{})
	for _, fault := range Faults() {
		callee := MagicCallee(fault.Name, 0)
		if callee == "" || fault.Behaviour == Hang || fault.Behaviour == Stall || fault.Delay > 0 {
			continue
		}
		for range 2 {
			p.call(callee)
		}
		for _, post := range p.Report(ReportFilter{Callee: callee}).Calls[0].Posts {
			if post.Result != fault.Name {
				t.Errorf("%s met %s, want %s", callee, post.Result, fault.Name)
			}
		}
	}
}

func TestMagicCalleeCounts(t *testing.T) {
	p := overTCP(t, Config{})
	callee := MagicCallee("service_temporarily_unavailable", 2)
	if callee != "+919000050002" {
		t.Fatalf("the magic callee is %s", callee)
	}
	for attempt, want := range []int{500, 500, 201, 201} {
		if got := p.call(callee); got.status != want {
			t.Errorf("attempt %d: %d, want %d", attempt+1, got.status, want)
		}
	}
	other := p.do(t.Context(), "POST", "/sfvopi/calls", callBody(DefaultNumber, callee, "https://publisher.example/other"))
	if other.status != 500 {
		t.Errorf("another answer URL is another identity and counts anew, got %d", other.status)
	}
	if rung := p.Rung(callee); rung != 2 {
		t.Errorf("rung %d times, want 2", rung)
	}
}

func TestMagicCanBeTurnedOff(t *testing.T) {
	p := overTCP(t, Config{NoMagic: true})
	if got := p.call(MagicCallee("internal_error", 0)); got.status != 201 {
		t.Fatalf("got %d, want 201", got.status)
	}
}
