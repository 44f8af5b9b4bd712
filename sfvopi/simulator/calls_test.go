package simulator

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPlaceCall(t *testing.T) {
	p := overTCP(t, Config{})
	queued := regexp.MustCompile(`^\{"data":\{"request_uuid":"(sfv_ob_req_[0-9a-z]{12})","status":"queued"\},"message":"success"\}$`)
	for _, prefix := range []string{"/superfone", ""} {
		body := p.want("POST", prefix+"/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 201, "queued")
		match := queued.FindStringSubmatch(body)
		if match == nil {
			t.Fatalf("answered %s", body)
		}
		rings := p.Call(testIdentity).Rings
		if last := rings[len(rings)-1].RequestUUID; last != match[1] {
			t.Errorf("answered %s, recorded %s", match[1], last)
		}
	}
	call := p.Call(testIdentity)
	if call.PostCount != 2 || call.Rung != 2 || call.Rings[0].RequestUUID == call.Rings[1].RequestUUID {
		t.Errorf("recorded %+v, want two different calls", call)
	}
	if call.Rings[0].RangAt.IsZero() || call.Posts[0].At.IsZero() || call.Posts[0].Result != ResultAccepted {
		t.Errorf("recorded %+v", call)
	}
}

func TestPlaceCallValidation(t *testing.T) {
	p := overTCP(t, Config{})
	valid := `"from":"` + DefaultNumber + `","to":"` + testCallee + `","answer_url":"` + testAnswerURL + `"`
	cases := []struct {
		body, message string
		status        int
	}{
		{`{` + valid + `,"ring_timeout":600,"call_time_limit":86400,"answer_method":"GET","ring_url":"http://a.example","hangup_url":"https://a.example"}`, "queued", 201},
		{`{` + valid + `,"ring_timeout":1,"call_time_limit":1}`, "queued", 201},
		{`{` + valid + `,"ring_timeout":0}`, "ring_timeout must be an integer between 1 and 600", 400},
		{`{` + valid + `,"ring_timeout":601}`, "ring_timeout must be an integer between 1 and 600", 400},
		{`{` + valid + `,"ring_timeout":1.5}`, "ring_timeout must be an integer", 400},
		{`{` + valid + `,"ring_timeout":"60"}`, "ring_timeout must be an integer", 400},
		{`{` + valid + `,"call_time_limit":0}`, "call_time_limit must be an integer between 1 and 86400", 400},
		{`{` + valid + `,"call_time_limit":86401}`, "call_time_limit must be an integer between 1 and 86400", 400},
		{`{` + valid + `,"answer_method":"PUT"}`, "answer_method must be POST or GET", 400},
		{`{` + valid + `,"ring_method":"post"}`, "ring_method must be POST or GET", 400},
		{`{` + valid + `,"hangup_method":""}`, "hangup_method must be POST or GET", 400},
		{`{` + valid + `,"ring_url":"ftp://a.example"}`, "ring_url must be a URL with http or https", 400},
		{`{` + valid + `,"hangup_url":"/hangup"}`, "hangup_url must be a URL with http or https", 400},
		{`{` + valid + `,"app_id":"sfv_app_reminders001"}`, "property app_id should not exist", 400},
		{`{` + valid + `,"to":"+919800000000"}`, "property to is given twice", 400},
		{`{"to":"` + testCallee + `","answer_url":"https://a.example"}`, "from is required", 400},
		{`{"from":"` + DefaultNumber + `","answer_url":"https://a.example"}`, "to is required", 400},
		{callBody("02071531001", testCallee, testAnswerURL), "from must be a phone number in E.164 format", 400},
		{callBody(DefaultNumber, "9812345678", testAnswerURL), "to must be a phone number in E.164 format", 400},
		{callBody(DefaultNumber, "+0812345678", testAnswerURL), "to must be a phone number in E.164 format", 400},
		{callBody(DefaultNumber, "+12345678901234567", testAnswerURL), "to must be a phone number in E.164 format", 400},
		{callBody(DefaultNumber, testCallee, ""), "answer_url is required", 400},
		{callBody(DefaultNumber, testCallee, "publisher.example/answer"), "answer_url must be a URL with http or https", 400},
		{`{"from":1}`, "from must be a string", 400},
		{`[]`, "the body must be a JSON object", 400},
		{`{"from":`, "the body is not valid JSON", 400},
		{``, "the body is not valid JSON", 400},
		{strings.Repeat(" ", maxBodyBytes+1), "request entity too large", 413},
	}
	accepted := 0
	for _, c := range cases {
		p.want("POST", "/sfvopi/calls", c.body, c.status, c.message)
		if c.status == 201 {
			accepted++
		}
	}
	summary := p.Oracle().Summary
	if summary.Rung != accepted || summary.Posts != len(cases) || summary.Results[ResultInvalid] != len(cases)-accepted {
		t.Errorf("%d calls were valid of %d, the oracle says %+v", accepted, len(cases), summary)
	}
}

func TestPlaceCallWantsJSON(t *testing.T) {
	p := overTCP(t, Config{})
	for contentType, want := range map[string]int{
		"application/json; charset=utf-8": 201, "application/json": 201, "text/plain": 415, "": 415,
	} {
		request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+"/sfvopi/calls", strings.NewReader(callBody(DefaultNumber, testCallee, testAnswerURL)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("X-API-Key", DefaultAPIKey)
		response, err := p.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Errorf("Content-Type %q: %d, want %d", contentType, response.StatusCode, want)
		}
	}
}

func TestPlaceCallNeedsTwoActiveStatuses(t *testing.T) {
	world := DefaultWorld()
	world.Organisations[0].Apps[0].InactiveNumbers = []string{"+912071531009"}
	world.Organisations = append(world.Organisations, Organisation{
		Name: "other", APIKeys: []string{"other-key"},
		Apps: []App{{ID: "sfv_app_other", Numbers: []string{"+912071539001"}}},
	})
	p := overTCP(t, Config{World: world})
	for _, from := range []string{
		DefaultInactiveNumber, DefaultAvailableNumber, "+912071531009", "+912071539001", "+912071530000",
	} {
		p.want("POST", "/sfvopi/calls", callBody(from, testCallee, testAnswerURL), 400,
			message("VoIP number "+from+" is not linked to any SFVoPI app for this org"))
	}
	if call := p.Call(testIdentity); call.Rung != 0 || call.PostCount != 5 {
		t.Errorf("recorded %+v", call)
	}
	p.key = "other-key"
	p.want("POST", "/sfvopi/calls", callBody("+912071539001", testCallee, testAnswerURL), 201, "queued")
}

func TestAuthentication(t *testing.T) {
	p := overTCP(t, Config{})
	for key, text := range map[string]string{
		"":      "UnAuthorized, Please Provide API Key",
		"wrong": "UnAuthorized, Please Provide Valid API Key",
	} {
		p.key = key
		p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 401, message(text))
		p.want("GET", "/sfvopi/apps", "", 401, message(text))
	}
	report := p.Oracle()
	if report.Summary.Rung != 0 || len(report.Unidentified) != 2 || report.Unidentified[0].Result != ResultUnauthorized {
		t.Errorf("recorded %+v", report)
	}
}

func TestUnknownPathsAnswerTheEnvelope(t *testing.T) {
	p := overTCP(t, Config{})
	p.want("POST", "/calls", "", 404, message("Cannot POST /calls"))
	p.want("GET", "/sfvopi/calls", "", 404, message("Cannot GET /sfvopi/calls"))
}

func TestCallsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := DefaultWorld()
		world.Organisations[0].CPS = 2
		p := overPipe(t, Config{World: world})
		for i, want := range []int{201, 201, 429} {
			if got := p.call(testCallee); got.status != want || want == 429 && got.header.Get("Retry-After") != "1" {
				t.Fatalf("call %d: %d %v, want %d", i+1, got.status, got.header, want)
			}
		}
		<-time.After(time.Second) // fake time
		if got := p.call(testCallee); got.status != 201 {
			t.Fatalf("after a second: %d", got.status)
		}
		if err := p.SetCPS(DefaultOrganisation, 0); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			p.call(testCallee)
		}
		if call := p.Call(testIdentity); call.PostCount != 14 || call.Rung != 13 {
			t.Errorf("%d POSTs and %d rings, want 14 and 13", call.PostCount, call.Rung)
		}
	})
}

func TestLatencyHoldsTheAnswerNotTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{Latency: Latency{Fixed: time.Second, Jitter: time.Second}})
		answers := make(chan answer)
		began := time.Now()
		go func() { answers <- p.call(testCallee) }()
		synctest.Wait()
		if p.Rung(testCallee) != 1 {
			t.Error("the phone had not rung while the answer was held back")
		}
		if got := <-answers; got.status != 201 {
			t.Errorf("answered %d %v", got.status, got.err)
		}
		if took := time.Since(began); took < time.Second || took >= 2*time.Second {
			t.Errorf("answered after %s, want from 1s to 2s", took)
		}
		if err := p.SetLatency(Latency{}); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		p.want("GET", "/sfvopi/apps", "", 200, "success")
		if took := time.Since(began); took != 0 {
			t.Errorf("without latency the answer took %s", took)
		}
	})
}

func TestRingDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{Timing: Timing{RingDelay: 3 * time.Second}})
		if got := p.call(testCallee); got.status != 201 {
			t.Fatal(got)
		}
		if call := p.Call(testIdentity); call.Accepted != 1 || call.Rung != 0 || !call.Rings[0].RangAt.IsZero() {
			t.Errorf("before the ring: %+v", call)
		}
		<-time.After(3 * time.Second) // fake time
		synctest.Wait()
		ring := p.Call(testIdentity).Rings[0]
		if p.Rung(testCallee) != 1 || ring.RangAt.Sub(ring.AcceptedAt) != 3*time.Second {
			t.Errorf("after the ring: %+v", ring)
		}
	})
}

// BenchmarkInstantPath shows what the simulator costs beyond a handler that
// always answers the same; both pay for making the request.
func BenchmarkInstantPath(b *testing.B) {
	s, err := New(Config{CountsOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	minimal := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusCreated, []byte(`{"data":{"request_uuid":"sfv_ob_req_a8k3m2x9p1z0","status":"queued"},"message":"success"}`))
	})
	b.Run("simulator", func(b *testing.B) { benchmarkHandler(b, s) })
	b.Run("minimal", func(b *testing.B) { benchmarkHandler(b, minimal) })
}

func benchmarkHandler(b *testing.B, handler http.Handler) {
	b.Helper()
	b.ReportAllocs()
	writer := &discard{header: http.Header{}}
	for i := range b.N {
		body := strings.NewReader(fmt.Sprintf(`{"from":%q,"to":"+9198%08d","answer_url":"https://publisher.example/answer"}`, DefaultNumber, i%100_000))
		request, err := http.NewRequestWithContext(b.Context(), "POST", "http://provider.example/sfvopi/calls", body)
		if err != nil {
			b.Fatal(err)
		}
		request.Header["X-Api-Key"] = []string{DefaultAPIKey}
		request.Header["Content-Type"] = []string{"application/json"}
		handler.ServeHTTP(writer, request)
		if writer.status != http.StatusCreated {
			b.Fatalf("answered %d", writer.status)
		}
	}
}

// discard is a ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header            { return d.header }
func (d *discard) Write(text []byte) (int, error) { return len(text), nil }
func (d *discard) WriteHeader(status int)         { d.status = status }
