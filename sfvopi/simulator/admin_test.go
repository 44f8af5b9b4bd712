package simulator

import (
	"regexp"
	"strings"
	"testing"
)

// admin makes a change over HTTP and wants it accepted.
func (p *provider) admin(method, path, body string) {
	p.t.Helper()
	p.want(method, path, body, 204, "")
}

const admin = "/simulator/organisations/default"

func TestAdminChangesTheWorld(t *testing.T) {
	p := overTCP(t, Config{})
	calls := func(from string, status int) {
		t.Helper()
		p.want("POST", "/sfvopi/calls", callBody(from, testCallee, testAnswerURL), status, "message")
	}
	p.admin("PUT", admin+"/api-keys", `["rotated"]`)
	calls(DefaultNumber, 401)
	p.key = "rotated"
	calls(DefaultNumber, 201)

	p.admin("PUT", admin+"/apps/sfv_app_reminders001/status", `"INACTIVE"`)
	calls(DefaultNumber, 400)
	p.admin("PUT", admin+"/apps/sfv_app_reminders001/status", `"ACTIVE"`)
	calls(DefaultNumber, 201)

	p.admin("PUT", admin+"/numbers/"+DefaultNumber, `{}`)
	calls(DefaultNumber, 400)
	p.want("GET", "/sfvopi/available-numbers", "", 200, DefaultNumber)
	p.admin("PUT", admin+"/numbers/"+DefaultNumber, `{"app_id":"sfv_app_reminders001","status":"INACTIVE"}`)
	calls(DefaultNumber, 400)
	p.admin("PUT", admin+"/numbers/"+DefaultNumber, `{"app_id":"sfv_app_reminders001"}`)
	calls(DefaultNumber, 201)
	p.admin("DELETE", admin+"/numbers/"+DefaultNumber, "")
	calls(DefaultNumber, 400)

	p.admin("PUT", admin+"/apps/sfv_app_new", `{"name":"New","answer_url":"https://a.example","numbers":["`+DefaultAvailableNumber+`"]}`)
	calls(DefaultAvailableNumber, 201)
	p.admin("DELETE", admin+"/apps/sfv_app_new", "")
	calls(DefaultAvailableNumber, 400)

	p.admin("PUT", "/simulator/organisations/second", `{"api_keys":["second-key"],"apps":[{"app_id":"sfv_app_2","numbers":["+912071538001"]}]}`)
	p.key = "second-key"
	calls("+912071538001", 201)
	orgID := regexp.MustCompile(`"org_id":\d+`)
	before := orgID.FindString(p.want("GET", "/sfvopi/apps", "", 200, "sfv_app_2"))
	p.admin("PUT", "/simulator/organisations/second", `{"api_keys":["third-key"],"apps":[{"app_id":"sfv_app_3"}]}`)
	calls("+912071538001", 401)
	p.key = "third-key"
	if after := orgID.FindString(p.want("GET", "/sfvopi/apps", "", 200, "sfv_app_3")); after != before || after == "" {
		t.Errorf("replaced, it has %s instead of %s", after, before)
	}
}

func TestAdminRulesLatencyAndLimit(t *testing.T) {
	p := overTCP(t, Config{})
	p.admin("PUT", "/simulator/rules/busy", `{"fault":"too_many_requests_seconds","retry_after":"1m30s","first":1}`)
	if got := p.call(testCallee); got.status != 429 || got.header.Get("Retry-After") != "90" {
		t.Errorf("got %d %v", got.status, got.header)
	}
	p.want("GET", "/simulator/rules", "", 200, `"retry_after": "1m30s"`)
	p.admin("DELETE", "/simulator/rules/busy", "")
	p.want("DELETE", "/simulator/rules/busy", "", 404, "not known to the simulator")
	p.admin("DELETE", "/simulator/rules", "")
	p.admin("PUT", "/simulator/latency", `{"fixed":"1ms","jitter":"2ms"}`)
	p.admin("PUT", admin+"/cps", `1`)
	p.call(testCallee)
	if got := *p.latency.Load(); got.Fixed.String() != "1ms" || got.Jitter.String() != "2ms" {
		t.Errorf("latency %+v", got)
	}
	p.want("GET", "/simulator/faults", "", 200, `"name": "answer_lost_close"`)
}

func TestAdminRefusals(t *testing.T) {
	p := overTCP(t, Config{})
	p.admin("PUT", "/simulator/organisations/second", `{"api_keys":["second-key"],"available_numbers":["+912071538001"]}`)
	for _, c := range []struct {
		method, path, body, message string
		status                      int
	}{
		{"PUT", "/simulator/organisations/none/cps", `1`, `not known to the simulator`, 404},
		{"PUT", "/simulator/organisations/none/api-keys", `[]`, `not known to the simulator`, 404},
		{"PUT", admin + "/cps", `-1`, "may not be negative", 400},
		{"PUT", admin + "/cps", `"x"`, "json", 400},
		{"PUT", admin + "/api-keys", `[""]`, "may not be empty", 400},
		{"PUT", admin + "/api-keys", `["second-key"]`, "belongs to organisation second", 400},
		{"PUT", admin + "/apps/none/status", `"ACTIVE"`, "app none", 404},
		{"PUT", admin + "/apps/sfv_app_retired00001/status", `"ON"`, "neither ACTIVE nor INACTIVE", 400},
		{"PUT", admin + "/apps/x", `{"numbers":["123"]}`, "E.164", 400},
		{"PUT", admin + "/apps/x", `{"colour":"red"}`, "colour", 400},
		{"DELETE", admin + "/apps/none", "", "app none", 404},
		{"PUT", admin + "/numbers/123", `{}`, "E.164", 400},
		{"PUT", admin + "/numbers/+912071538001", `{}`, "belongs to organisation second", 400},
		{"PUT", admin + "/numbers/" + DefaultNumber, `{"app_id":"none"}`, "app none", 404},
		{"DELETE", admin + "/numbers/+912071538001", "", "that number", 404},
		{"PUT", "/simulator/latency", `{"fixed":"-1s"}`, "negative", 400},
		{"PUT", "/simulator/latency", `{"fixed":5}`, "fixed", 400},
		{"PUT", "/simulator/rules/x", `{"fault":"none"}`, "not in the catalogue", 400},
		{"PUT", "/simulator/rules/x", `{"fault":"conflict"` + strings.Repeat(" ", maxAdminBytes), "longer than 1 MiB", 400},
		{"PUT", "/simulator/organisations/third", `{"available_numbers":["+912071538001"]}`, "belongs to organisation second", 400},
	} {
		p.want(c.method, c.path, c.body, c.status, c.message)
	}
}

func TestOracleOverHTTP(t *testing.T) {
	p := overTCP(t, Config{})
	for range 2 {
		p.call(testCallee)
	}
	p.call("+919812345679")
	p.call(MagicCallee("internal_error", 0))
	var report struct {
		Summary Summary `json:"summary"`
		Calls   []Call  `json:"calls"`
	}
	p.decode(p.want("GET", "/simulator/oracle", "", 200, ""), &report)
	if s := report.Summary; s.Identities != 3 || s.Posts != 4 || s.Accepted != 3 || s.Rung != 3 || s.RungTwice != 1 ||
		s.Results[ResultAccepted] != 3 || s.Results["internal_error"] != 1 {
		t.Errorf("summary %+v", s)
	}
	if len(report.Calls) != 3 {
		t.Errorf("%d calls", len(report.Calls))
	}
	for _, query := range []string{
		"?callee=%2B919812345678", "?rung_twice=true", "?organisation=default&callee=%2B919812345678&answer_url=https://publisher.example/answer?call=1",
	} {
		p.decode(p.want("GET", "/simulator/oracle"+query, "", 200, ""), &report)
		if len(report.Calls) != 1 || report.Calls[0].Callee != testCallee || len(report.Calls[0].Rings) != 2 || len(report.Calls[0].Posts) != 2 {
			t.Errorf("%s: %+v", query, report.Calls)
		}
		if report.Summary.Identities != 3 {
			t.Errorf("%s narrowed the summary: %+v", query, report.Summary)
		}
	}
	p.want("GET", "/simulator/oracle?organisation=none", "", 200, `"calls": []`)
	p.want("GET", "/simulator/oracle/summary", "", 200, `"rung_twice": 1`)
	p.admin("DELETE", "/simulator/oracle", "")
	p.want("GET", "/simulator/oracle/summary", "", 200, `"posts": 0`)
	if got := p.call(testCallee); got.status != 201 || p.Rung(testCallee) != 1 {
		t.Errorf("after a reset: %d, rung %d times", got.status, p.Rung(testCallee))
	}
}

func TestCountsOnly(t *testing.T) {
	p := overTCP(t, Config{CountsOnly: true})
	for range 3 {
		p.call(testCallee)
	}
	p.want("POST", "/sfvopi/calls", "{}", 400, "from is required")
	call, report := p.Call(testIdentity), p.Oracle()
	if call.Rung != 3 || call.PostCount != 3 || call.Posts != nil || call.Rings != nil || report.Unidentified != nil {
		t.Errorf("recorded %+v", report)
	}
	if report.Summary.Posts != 4 || report.Summary.RungTwice != 1 {
		t.Errorf("summary %+v", report.Summary)
	}
}
