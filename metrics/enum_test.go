package metrics_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// TestEverySeriesExistsFromTheStart at zero, once its account is known: those from
// the lists of package call, and no others.
func TestEverySeriesExistsFromTheStart(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics.New(reg, build).Account("a")
	got := scrape(t, reg)

	attempts := samples{`ringonce_attempts_total{account="a",outcome="other",reason="other"}`: 0}
	for _, c := range call.Classes() {
		for _, r := range append(call.AttemptReasons(c), "other") {
			attempts[fmt.Sprintf(`ringonce_attempts_total{account="a",outcome=%q,reason=%q}`, c, r)] = 0
		}
	}
	sameSamples(t, got.of("ringonce_attempts_total"), attempts)

	calls := samples{}
	for _, s := range []string{"placed", "dead", "unknown", "cancelled", "other"} {
		calls[fmt.Sprintf(`ringonce_calls_total{account="a",reason="other",state=%q}`, s)] = 0
	}
	for _, r := range call.EndReasons() {
		state := call.StateDead
		if r == call.OutcomeUnknown {
			state = call.StateUnknown
		}
		calls[fmt.Sprintf(`ringonce_calls_total{account="a",reason=%q,state=%q}`, r, state)] = 0
	}
	calls[`ringonce_calls_total{account="a",reason="accepted",state="placed"}`] = 0
	calls[`ringonce_calls_total{account="a",reason="cancelled",state="cancelled"}`] = 0
	sameSamples(t, got.of("ringonce_calls_total"), calls)

	for name, reasons := range map[string][]call.Reason{
		"ringonce_parked_total": slices.Concat(
			call.AttemptReasons(call.Refused), call.AttemptReasons(call.Suspended),
			[]call.Reason{call.NotYet, call.LinkageUnknown, call.Paused, "other"},
		),
		"ringonce_suspensions_total": slices.Concat(
			call.AttemptReasons(call.Suspended), call.AttemptReasons(call.Unknown), []call.Reason{"other"},
		),
	} {
		want := samples{}
		for _, r := range reasons {
			want[fmt.Sprintf(`%s{account="a",reason=%q}`, name, r)] = 0
		}
		sameSamples(t, got.of(name), want)
	}

	late := samples{`ringonce_late_evidence_total{account="a",outcome="other"}`: 0}
	for _, c := range call.Classes() {
		late[fmt.Sprintf(`ringonce_late_evidence_total{account="a",outcome=%q}`, c)] = 0
	}
	sameSamples(t, got.of("ringonce_late_evidence_total"), late)

	ages := samples{`ringonce_request_age_seconds_count{account="a",priority="other"}`: 0}
	for _, p := range call.Priorities() {
		ages[fmt.Sprintf(`ringonce_request_age_seconds_count{account="a",priority=%q}`, p)] = 0
	}
	sameSamples(t, got.of("ringonce_request_age_seconds_count"), ages)

	actions := samples{`ringonce_operator_actions_total{account="a",action="other"}`: 0}
	for _, action := range call.OperatorActions() {
		actions[fmt.Sprintf(`ringonce_operator_actions_total{account="a",action=%q}`, action)] = 0
	}
	sameSamples(t, got.of("ringonce_operator_actions_total"), actions)

	steps := samples{}
	for _, s := range []string{"record", "park", "dead_letter", "ack", "other"} {
		steps[fmt.Sprintf(`ringonce_settle_retries_total{account="a",step=%q}`, s)] = 0
	}
	sameSamples(t, got.of("ringonce_settle_retries_total"), steps)

	lanes := samples{}
	for _, s := range []string{"running", "throttled", "open", "probing", "suspended", "paused", "stopped", "other"} {
		lanes[fmt.Sprintf(`ringonce_lane_state{account="a",state=%q}`, s)] = 0
	}
	lanes[`ringonce_lane_state{account="a",state="stopped"}`] = 1
	sameSamples(t, got.of("ringonce_lane_state"), lanes)
}

func TestNoSeriesIsCreatedLater(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	a := metrics.New(reg, build).Account("a")
	before := scrape(t, reg)

	useEverything(a)
	useUnlistedValues(a)
	for k := range scrape(t, reg) {
		if _, ok := before[k]; !ok {
			t.Errorf("%s did not exist from the start", k)
		}
	}
}

func TestValuesOutsideTheirListCountAsOther(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	a := metrics.New(reg, build).Account("a")
	before := scrape(t, reg)
	useUnlistedValues(a)
	sameSamples(t, scrape(t, reg).since(before), samples{
		`ringonce_attempts_total{account="a",outcome="other",reason="other"}`:   1,
		`ringonce_attempts_total{account="a",outcome="unknown",reason="other"}`: 2,
		`ringonce_post_duration_seconds_count{account="a"}`:                     3,
		`ringonce_request_age_seconds_count{account="a",priority="other"}`:      1,
		`ringonce_calls_total{account="a",reason="other",state="other"}`:        2,
		`ringonce_calls_total{account="a",reason="other",state="dead"}`:         2,
		`ringonce_late_evidence_total{account="a",outcome="other"}`:             1,
		`ringonce_settle_retries_total{account="a",step="other"}`:               1,
		`ringonce_lane_state{account="a",state="other"}`:                        1,
		`ringonce_lane_state{account="a",state="stopped"}`:                      0,
		`ringonce_suspensions_total{account="a",reason="other"}`:                1,
		`ringonce_parked_total{account="a",reason="other"}`:                     1,
		`ringonce_linkage_lookups_total{account="a",result="other"}`:            1,
		`ringonce_probes_total{account="a",kind="other",result="failed"}`:       1,
		`ringonce_operator_actions_total{account="a",action="other"}`:           1,
	})
}

func useUnlistedValues(a *metrics.Account) {
	a.Attempt(call.Outcome{Class: "+919800000000", Reason: call.Accepted}, 0)
	a.Attempt(call.Outcome{Class: call.Unknown, Reason: "+919800000000"}, 0)
	a.Attempt(call.Outcome{Class: call.Unknown, Reason: call.Accepted}, 0) // each listed, not as a pair
	a.Age("+919800000000", 0)
	a.Ended("\xff", "\xff") // not even text: a label of it would be refused
	a.Ended(call.StateWaiting, call.NotYet)
	a.Ended(call.StateDead, "+919800000000")
	a.Ended(call.StateDead, "")
	a.LateEvidence("+919800000000")
	a.SettleRetried("+919800000000")
	a.Lane("+919800000000")
	a.Suspended("+919800000000")
	a.Parked("+919800000000")
	a.LinkageLookup("+919800000000")
	a.Probed("+919800000000", false)
	a.OperatorAction("+919800000000")
}

// Every constant of the vocabulary is a label value of the metric that counts
// it: a new one that counts as other fails this test.
func TestEveryConstantOfTheVocabularyHasASeries(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics.New(reg, build).Account("a")
	values := map[string]map[string]bool{} // of each label, over all metrics
	for _, f := range gather(t, reg) {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if values[l.GetName()] == nil {
					values[l.GetName()] = map[string]bool{}
				}
				values[l.GetName()][l.GetValue()] = true
			}
		}
	}

	for _, c := range []struct {
		typeName, label string
		except          []string
	}{
		{"Class", "outcome", nil},
		{"Priority", "priority", nil},
		{"Linkage", "result", nil},
		{"OperatorAction", "action", nil},
		// Calls in progress are in ringonce_in_flight and ringonce_queue_parked.
		{"State", "state", []string{"", "waiting", "dialling"}},
		// Discarded is an operator's: see ringonce_operator_actions_total. The stop
		// reasons show in ringonce_lane_state.
		{"Reason", "reason", append(reasonNames(call.StopReasons()), "discarded")},
	} {
		constants := constantsOfCall(t, c.typeName)
		if len(constants) < 3 {
			t.Fatalf("found %d constants of type call.%s", len(constants), c.typeName)
		}
		for _, value := range constants {
			if values[c.label][value] == slices.Contains(c.except, value) {
				t.Errorf("call.%s %q: has a series %v, is exempt %v", c.typeName, value, values[c.label][value], slices.Contains(c.except, value))
			}
		}
	}
}

func reasonNames(reasons []call.Reason) []string {
	var names []string
	for _, r := range reasons {
		names = append(names, string(r))
	}
	return names
}

// constantsOfCall reads the values of the string constants of a type from the
// source of package call, which exports no list of them all.
func constantsOfCall(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("../call/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != typeName {
				return true
			}
			for _, v := range spec.Values {
				literal, ok := v.(*ast.BasicLit)
				if !ok {
					t.Fatalf("%s: a constant of type %s is not a literal", name, typeName)
				}
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	return values
}

func TestLaneIsInOneState(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	a := metrics.New(reg, build).Account("a")
	for _, s := range append(call.LaneStates(), "other") {
		a.Lane(s)
		for k, v := range scrape(t, reg).of("ringonce_lane_state") {
			want := 0.0
			if k == fmt.Sprintf(`ringonce_lane_state{account="a",state=%q}`, s) {
				want = 1
			}
			if v != want {
				t.Errorf("in state %s: %s is %v", s, k, v)
			}
		}
	}
	a.Age(call.Normal, time.Second) // and nothing else moves it
	if got := scrape(t, reg)[`ringonce_lane_state{account="a",state="other"}`]; got != 1 {
		t.Errorf("the state changed by itself: %v", got)
	}
}
