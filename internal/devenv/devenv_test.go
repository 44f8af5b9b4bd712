package devenv

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
)

func TestReadRequests(t *testing.T) {
	requests, err := readRequests(strings.NewReader("# a comment\n\n" +
		`{"id":"a"}` + "\r\n" + `calls.requests.default.urgent {"id":"b"}` + "\n  not JSON"))
	if err != nil {
		t.Fatal(err)
	}
	want := []request{
		{"line 3 (a)", call.Normal, []byte(`{"id":"a"}`)},
		{"line 4 (b)", call.Urgent, []byte(`{"id":"b"}`)},
		{"line 5", call.Normal, []byte("  not JSON")},
	}
	if fmt.Sprintf("%q", requests) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", requests, want)
	}
}

func TestReadRequestsRejects(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "has no request",
		"# only words\n\n":               "has no request",
		"{}\ncalls.requests.other {}":    "line 2: unknown subject",
		"{}\ncalls.requests.default.now": "line 2: unknown subject",
		"{}\n" + strings.Repeat("x", maxLineSize+1): "line 2: it has",
		strings.Repeat("{}\n", maxRequests+1):       "at most 100000 requests",
	} {
		if _, err := readRequests(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

// No id and no ordinary callee of one round recurs in another,
// except those that the sample repeats on purpose.
func TestSampleRoundsAreFresh(t *testing.T) {
	const rounds = 3
	requests, err := sampleRequests(rounds * SampleSize)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{} // the round in which an id or a callee came first
	for i, r := range requests {
		decoded, _, err := call.DecodeRequest(r.body, call.PossibleNumbers)
		if err != nil {
			continue
		}
		tokens := []string{string(decoded.ID), decoded.AnswerURL}
		if to := decoded.To.E164(); strings.HasPrefix(to, "+9198765") {
			tokens = append(tokens, to)
		}
		for _, token := range tokens {
			if first, ok := seen[token]; ok && first != i/SampleSize {
				t.Errorf("request %d: %s was in round %d already", i+1, token, first+1)
			}
			seen[token] = i / SampleSize
		}
	}
}

func TestSampleIsTrimmed(t *testing.T) {
	requests, err := sampleRequests(7)
	if err != nil || len(requests) != 7 || requests[6].name != "request 7 (dev-007)" {
		t.Errorf("got %d requests, %v", len(requests), err)
	}
	all, err := sampleRequests(SampleSize + 1)
	if err != nil || all[SampleSize].name != "request 201 (dev-001-round-2)" {
		t.Errorf("the sample has another size than %d: %v", SampleSize, err)
	}
}

func TestExpandTimes(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]string{
		`{"not_before":"{{in 3s}}"}`:    `{"not_before":"2026-01-02T03:04:08Z"}`,
		`{"expires_at":"{{in 1h30m}}"}`: `{"expires_at":"2026-01-02T04:34:05Z"}`,
		`{{in no time}} {{in abc}}`:     `{{in no time}} {{in abc}}`,
	} {
		if got := expandTimes([]byte(text), now); string(got) != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestFailuresAreListed(t *testing.T) {
	v := reconcile.Report{RungTwice: []string{"line 3 (a)"}}
	for i := range maxFailures + 1 {
		v.Discrepancies = append(v.Discrepancies, reconcile.Discrepancy{Name: fmt.Sprint("line ", i), Problem: "it was forgotten"})
	}
	var out bytes.Buffer
	printFailures(&out, v)
	for _, want := range []string{"line 3 (a): the phone rang more often", "line 48: it was forgotten", "and 2 more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestLastWarnings(t *testing.T) {
	log := "level=INFO msg=a\ntime=1 level=WARN msg=b\ntime=2 level=ERROR msg=c\ntime=3 level=WARN msg=d\n"
	if got := fmt.Sprint(lastWarnings(log, 2)); got != "[time=2 level=ERROR msg=c time=3 level=WARN msg=d]" {
		t.Error(got)
	}
}
