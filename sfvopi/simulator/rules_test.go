package simulator

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (p *provider) rule(rule Rule) {
	p.t.Helper()
	if err := p.PutRule(rule); err != nil {
		p.t.Fatal(err)
	}
}

func TestRuleSelectsTheFirstRequestsOfEachIdentity(t *testing.T) {
	p := overTCP(t, Config{Rules: []Rule{{Name: "twice", Fault: "service_temporarily_unavailable", First: 2}}})
	for _, callee := range []string{testCallee, "+919812345679"} {
		for attempt, want := range []int{500, 500, 201} {
			if got := p.call(callee); got.status != want {
				t.Errorf("%s attempt %d: %d, want %d", callee, attempt+1, got.status, want)
			}
		}
	}
	p.Reset()
	if got := p.call(testCallee); got.status != 500 || p.Oracle().Summary.Posts != 1 {
		t.Errorf("after a reset counts begin anew, got %d", got.status)
	}
}

func TestRuleSelectors(t *testing.T) {
	p := overTCP(t, Config{})
	p.rule(Rule{Name: "callee", Fault: "internal_error", Callee: "+919812345670"})
	p.rule(Rule{Name: "caller", Fault: "bad_gateway", CallerID: "+912071531002"})
	p.rule(Rule{Name: "elsewhere", Fault: "forbidden", Organisation: "other"})
	p.rule(Rule{Name: "numbers", Fault: "get_numbers_failed", On: Lookups, Method: "GET", Path: "/sfvopi/apps/sfv_app_reminders001/numbers", Error: "no luck"})
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{DefaultNumber, testCallee, 201},
		{DefaultNumber, "+919812345670", 500},
		{"+912071531002", testCallee, 502},
		{"+912071531002", "+919812345670", 500}, // the first rule decides
	} {
		p.want("POST", "/sfvopi/calls", callBody(c.from, c.to, testAnswerURL), c.want, "message")
	}
	p.want("GET", "/superfone/sfvopi/apps/sfv_app_reminders001/numbers", "", 500, message("Failed to get numbers: no luck"))
	p.want("GET", "/sfvopi/apps/sfv_app_retired00001/numbers", "", 200, "success")
	p.rule(Rule{Name: "caller", Fault: "conflict", CallerID: "+912071531002"})
	if got := p.Rules(); len(got) != 4 || got[1].Fault != "conflict" {
		t.Errorf("a rule put again stays in its place: %+v", got)
	}
	if err := p.RemoveRule("callee"); err != nil {
		t.Error(err)
	}
	p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, "+919812345670", testAnswerURL), 201, "queued")
	p.ClearRules()
	p.want("POST", "/sfvopi/calls", callBody("+912071531002", testCallee, testAnswerURL), 201, "queued")
}

func TestRuleFillsTheFault(t *testing.T) {
	p := overTCP(t, Config{})
	p.rule(Rule{Name: "a", Fault: "answer_url_status", Status: 418, First: 1})
	p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 502, message("answer_url returned HTTP 418"))
	p.rule(Rule{Name: "a", Fault: "too_many_requests_seconds", RetryAfter: 90 * time.Second})
	if got := p.call(testCallee); got.header.Get("Retry-After") != "90" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	p.rule(Rule{Name: "a", Fault: "initiate_other", Error: `quote " and \`})
	p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 500, message(`Failed to initiate outbound call: quote " and \`))
}

func TestRuleWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := overPipe(t, Config{Rules: []Rule{
			{Name: "relative", Fault: "unavailable", After: time.Minute, Until: 2 * time.Minute},
			{Name: "absolute", Fault: "internal_error", NotBefore: start.Add(time.Hour), NotAfter: start.Add(2 * time.Hour)},
		}})
		for _, c := range []struct {
			at   time.Duration
			want int
		}{
			{0, 201},
			{time.Minute - 1, 201},
			{time.Minute, 503},
			{2*time.Minute - 1, 503},
			{2 * time.Minute, 201},
			{time.Hour, 500},
			{2 * time.Hour, 201},
		} {
			<-time.After(time.Until(start.Add(c.at))) // fake time
			if got := p.call(testCallee); got.status != c.want {
				t.Errorf("at %s: %d, want %d", c.at, got.status, c.want)
			}
		}
		p.rule(Rule{Name: "relative", Fault: "unavailable", Until: time.Minute})
		if got := p.call(testCallee); got.status != 503 {
			t.Errorf("a rule put again starts its clock again, got %d", got.status)
		}
	})
}

func TestRuleDelaysTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{Rules: []Rule{{Name: "slow", Fault: "service_temporarily_unavailable", Delay: 7 * time.Second}}})
		began := time.Now()
		if got := p.call(testCallee); got.status != 500 || time.Since(began) != 7*time.Second {
			t.Errorf("%d after %s", got.status, time.Since(began))
		}
	})
}

func TestRuleRateIsRepeatableInAnyOrder(t *testing.T) {
	const identities, attempts = 200, 5
	draw := func(seed uint64, backwards bool) (struck string, share float64) {
		r := newRules([]Rule{{Name: "some", Fault: "unavailable", Rate: 0.25}}, seed, true)
		hits := make([]byte, identities*attempts)
		count := 0
		for attempt := range attempts {
			for i := range identities {
				if backwards {
					i = identities - 1 - i
				}
				about := subject{scope: Calls, callee: fmt.Sprintf("+9198123%05d", i), answerURL: testAnswerURL}
				hits[i*attempts+attempt] = '.'
				if r.match(&about, time.Now()).fault != nil {
					hits[i*attempts+attempt] = 'x'
					count++
				}
			}
		}
		return string(hits), float64(count) / float64(len(hits))
	}
	forwards, share := draw(7, false)
	if share < 0.2 || share > 0.3 {
		t.Errorf("struck a share of %g, want about 0.25", share)
	}
	if again, _ := draw(7, true); again != forwards {
		t.Error("another order of requests met other faults")
	}
	if other, _ := draw(8, false); other == forwards {
		t.Error("another seed met the same faults")
	}
	mixed := 0
	for i := range identities {
		if own := forwards[i*attempts : (i+1)*attempts]; strings.Contains(own, "x") && strings.Contains(own, ".") {
			mixed++
		}
	}
	if mixed == 0 {
		t.Error("all attempts of an identity are drawn alike")
	}
}

func TestRuleValidation(t *testing.T) {
	for want, rule := range map[string]Rule{
		"name is required":                             {Fault: "conflict"},
		"is not in the catalogue":                      {Name: "a", Fault: "nonsense"},
		"needs a fault, an ending":                     {Name: "a"},
		"after_rings -1 is not between":                {Name: "a", AfterRings: -1},
		"a look-up has no callee":                      {Name: "a", On: Lookups, Fault: "conflict", Duration: 1},
		"they belong to the call":                      {Name: "a", On: Hooks, Fault: HookLost, Ending: Busy},
		"none of the hook faults":                      {Name: "a", On: Hooks, Fault: "conflict"},
		"strikes the ring hook alone":                  {Name: "a", On: Hooks, Fault: HookSwapped, Hook: hangupHook},
		"delay goes with the hook faults":              {Name: "a", On: Hooks, Fault: HookLost, Delay: 1},
		"hook is ring or hangup":                       {Name: "a", On: Hooks, Fault: HookLost, Hook: answerHook},
		"hook selects among hooks":                     {Name: "a", Fault: "conflict", Hook: ringHook},
		"rang is for calls alone":                      {Name: "a", On: Hooks, Fault: HookLost, Rang: true},
		"rang goes with a fault":                       {Name: "a", Ending: Busy, Rang: true},
		"leave rang out":                               {Name: "a", Fault: "hang_rang", Rang: true},
		"nor ring":                                     {Name: "a", Fault: "reset_unread", Rang: true},
		"ending \"GONE\" is none of":                   {Name: "a", Ending: "GONE"},
		"strikes calls, the rule looks at":             {Name: "a", Fault: "answer_lost_close", On: Lookups},
		"strikes lookups, the rule looks at":           {Name: "a", Fault: "get_apps_failed"},
		"it cannot select by callee":                   {Name: "a", Fault: "reset_unread", Callee: testCallee},
		"a look-up has no callee, caller_id":           {Name: "a", Fault: "conflict", On: Lookups, Callee: testCallee},
		"rate 1.5 is not between":                      {Name: "a", Fault: "conflict", Rate: 1.5},
		"may not be negative":                          {Name: "a", Fault: "conflict", First: -1},
		"is no HTTP status":                            {Name: "a", Fault: "conflict", Status: 5},
		"method and path select among":                 {Name: "a", Fault: "conflict", Path: "/x"},
		`on is calls, lookups or hooks, not "replies"`: {Name: "a", Fault: "conflict", On: "replies"},
	} {
		if err := rule.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want …%s…", rule, err, want)
		}
	}
}
