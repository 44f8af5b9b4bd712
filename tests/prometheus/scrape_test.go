package prometheus_test

import (
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// Two workers go through everything that the dashboard shows, and every query of the
// dashboard returns data: a number that is not zero, wherever the simulator can
// cause one.
func TestPrometheusAnswersTheDashboard(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{Latency: simulator.Latency{Fixed: 200 * time.Millisecond}}, nil)
	program := buildProgram(t)
	workers := []string{freeAddress(t), freeAddress(t)}
	for i, address := range workers {
		startWorker(t, program, fmt.Sprintf("worker-%d", i), address, oneAccount(r))
	}
	p := startPrometheus(t, shortened(t), workers)

	// The streams exist as soon as a worker is ready.
	r.Eventually("the workers are ready", func() bool { return slices.Equal(p.query(`sum(ringonce_ready)`), []string{"2"}) })
	for _, id := range []string{"later", "taken-back"} {
		r.Publish("calls.requests.default", fmt.Sprintf(`{"id":%q,"from":%q,"to":"+919876500000","answer_url":%q,"not_before":%q}`,
			id, simulator.DefaultNumber, harness.AnswerURL, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
	}
	r.Publish("calls.requests.nobody", harness.Body("orphaned", "+919876500000"))
	r.AwaitState("taken-back", call.StateWaiting)

	operate(t, r, program)

	silent := map[string]string{}
	for _, q := range overview(t).queries("30s") {
		silent[q.RefID] = q.Expr
	}
	t.Cleanup(func() {
		for name, expr := range silent {
			t.Logf("without data: %s: %s", name, expr)
		}
	})
	batch := 0
	r.Eventually("every query of the dashboard has returned data", func() bool {
		if r.Messages(queue.StreamCalls, "calls.requests.default.>") == 0 {
			batch++
			publishEverything(r, batch)
		}
		for name, expr := range silent {
			if hasResult(p.query(expr), expr) {
				delete(silent, name)
			}
		}
		return len(silent) == 0
	})

	for _, v := range overview(t).Templating.List {
		if m := labelValues.FindStringSubmatch(v.Definition); m != nil {
			var values []string
			if p.get("/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &values); len(values) == 0 {
				t.Errorf("the variable %s offers nothing", v.Name)
			}
		}
	}
	rulesAreWell(t, r, p)
}

// operate pauses a number and cancels a call, as an operator does.
func operate(t *testing.T, r *harness.Environment, program string) {
	t.Helper()
	for _, args := range []string{
		"accounts pause --why test --number " + simulator.DefaultAvailableNumber + "1",
		"calls cancel --account default taken-back",
	} {
		command := exec.CommandContext(t.Context(), program, strings.Fields(args)...)
		command.Env = oneAccount(r)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("ringonce %s: %v\n%s", args, err, out)
		}
	}
}

// publishEverything requests calls that end in every possible way.
func publishEverything(r *harness.Environment, batch int) {
	for i := range 150 {
		from, to := simulator.DefaultNumber, fmt.Sprintf("+9198765%05d", batch*1000+i)
		switch i {
		case 10, 70:
			to = "+919000020100" // accepted without saying so: unknown
		case 20, 80, 120:
			to = "+919000050002" // refused twice, then placed
		case 30:
			to = "+919000040010" // a bad request: dead
		case 40:
			to = "+919000040101" // 401 once: suspended, until the probe succeeds
		case 50:
			from = simulator.DefaultAvailableNumber // not linked: the directory is fetched again
		}
		id := fmt.Sprintf("b%d-%d", batch, i)
		r.Publish("calls.requests.default",
			fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"answer_url":%q}`, id, from, to, harness.AnswerURL+"?id="+id))
	}
}

// hasResult reports whether a result means something: a number that is not zero, or
// for what only accidents can move, a zero.
func hasResult(values []string, expr string) bool {
	accident := slices.ContainsFunc([]string{
		"contradictions", "late_evidence", "claim_conflicts", "claim_waits", "naks", "settle_retries",
		"panics", "consumers_missing", "records_fault",
	}, func(part string) bool { return strings.Contains(expr, part) })
	return slices.ContainsFunc(values, func(v string) bool {
		return v != "NaN" && (v != "0" || accident)
	})
}

// rulesAreWell waits until every rule was evaluated without an error.
func rulesAreWell(t *testing.T, r *harness.Environment, p server) {
	t.Helper()
	r.Eventually("every rule was evaluated", func() bool {
		var answer struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
		p.get("/api/v1/rules", nil, &answer)
		n := 0
		for _, g := range answer.Groups {
			for _, rule := range g.Rules {
				if rule.Health == "err" {
					t.Fatalf("%s: %s", rule.Name, rule.LastError)
				}
				if rule.Health == "ok" {
					n++
				}
			}
		}
		return n == len(rules(t))
	})
	for _, rule := range rules(t) {
		if rule.Record != "" {
			// A rule that was evaluated before the first scrape had nothing to record.
			r.Eventually(rule.Record+" records something", func() bool { return len(p.query(rule.Record)) > 0 })
		}
	}
}
