package adversarial

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// headers are all that the broker's source names, each with values that might do
// harm, and what becomes of a request that carries them: stored, and then it is
// one more request of the account, or refused.
var headers = map[string]struct {
	values []string
	stored bool
}{
	// Roll-up, schedules, counters, TTLs and batches are not allowed in CALLS.
	"Nats-Rollup":             {values: []string{"all", "sub"}},
	"Nats-Schedule":           {values: []string{"@at 2000-01-01T00:00:00Z", "@every 1s"}},
	"Nats-Schedule-Target":    {values: []string{"calls.requests.globex", "calls.due.globex.normal"}, stored: true},
	"Nats-Schedule-Source":    {values: []string{"calls.requests.globex"}, stored: true},
	"Nats-Schedule-TTL":       {values: []string{"1s"}, stored: true},
	"Nats-Schedule-Time-Zone": {values: []string{"Asia/Kolkata"}, stored: true},
	"Nats-Schedule-Rollup":    {values: []string{"sub"}, stored: true},
	"Nats-Schedule-Next":      {values: []string{"purge", "2000-01-01T00:00:00Z"}},
	"Nats-Scheduler":          {values: []string{"calls.parked.globex.honest-0"}},
	"Nats-TTL":                {values: []string{"1s", "never"}},
	"Nats-Incr":               {values: []string{"1"}},
	"Nats-Counter-Sources":    {values: []string{`{"a":{"b":"1"}}`}, stored: true},
	"Nats-Batch-Id":           {values: []string{"b1"}},
	"Nats-Batch-Sequence":     {values: []string{"1"}, stored: true},
	"Nats-Batch-Commit":       {values: []string{"1", "eob"}, stored: true},

	// Conditions hold the message that carries them, and no other.
	"Nats-Expected-Stream":                        {values: []string{"CALL_RECORDS", "CALLS_PARKED"}},
	"Nats-Expected-Last-Sequence":                 {values: []string{"999999"}},
	"Nats-Expected-Last-Subject-Sequence":         {values: []string{"999999"}},
	"Nats-Expected-Last-Subject-Sequence-Subject": {values: []string{"calls.requests.globex"}},
	"Nats-Expected-Last-Msg-Id":                   {values: []string{"honest-0"}},
	"Nats-Msg-Id":                                 {values: []string{"honest-0", "=1-abc", "a.b", strings.Repeat("x", 4096)}, stored: true},
	"Nats-Required-Api-Level":                     {values: []string{"9999"}, stored: true},

	// What the broker itself writes is the publisher's text here.
	"Nats-Stream":           {values: []string{"CALLS_PARKED"}, stored: true},
	"Nats-Subject":          {values: []string{"calls.requests.globex"}, stored: true},
	"Nats-Sequence":         {values: []string{"1"}, stored: true},
	"Nats-Time-Stamp":       {values: []string{"2000-01-01T00:00:00Z"}, stored: true},
	"Nats-Last-Sequence":    {values: []string{"1"}, stored: true},
	"Nats-Num-Pending":      {values: []string{"0"}, stored: true},
	"Nats-UpTo-Sequence":    {values: []string{"99999"}, stored: true},
	"Nats-Msg-Size":         {values: []string{"0"}, stored: true},
	"Nats-Marker-Reason":    {values: []string{"Purge", "Remove", "MaxAge"}, stored: true},
	"Nats-Stream-Source":    {values: []string{"CALLS 1 > > calls.requests.globex"}},
	"Nats-Stream-Identity":  {values: []string{"CALLS"}, stored: true},
	"Nats-Pin-Id":           {values: []string{"x"}, stored: true},
	"Nats-Consumer-Stalled": {values: []string{"$JS.FC.x"}, stored: true},
	"Nats-Last-Consumer":    {values: []string{"1"}, stored: true},
	"Nats-Last-Stream":      {values: []string{"1"}, stored: true},
	"Nats-Pending-Bytes":    {values: []string{"0"}, stored: true},
	"Nats-Pending-Messages": {values: []string{"0"}, stored: true},
	"Nats-Response-Type":    {values: []string{"x"}, stored: true},
	"Nats-Request-Info":     {values: []string{`{"acc":"GLOBEX","user":"globex"}`}, stored: true},
	"Nats-No-Masking":       {values: []string{"true"}, stored: true},
	"Nats-Server-Xkey":      {values: []string{"x"}, stored: true},

	// Traces report the way of a message to its publisher; trace-only ones are
	// not stored.
	"Nats-Trace-Dest":           {values: []string{"calls.requests.globex", "$JS.API.STREAM.PURGE.CALLS"}, stored: true},
	"Nats-Trace-Only":           {values: []string{"true"}, stored: true},
	"Nats-Trace-Hop":            {values: []string{"1"}, stored: true},
	"Nats-Trace-Origin-Account": {values: []string{"GLOBEX"}, stored: true},
}

// ourHeaders are believed on calls.due alone.
var ourHeaders = map[string]string{
	"Ringonce-Record": "1/1", "Ringonce-Account": honest, "Ringonce-Id": "honest-0", "Ringonce-Reason": "expired",
	"Ringonce-Origin": "1", "Ringonce-Published": "2000-01-01T00:00:00Z", "Ringonce-May-Have-Rung": "true",
	"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}

// A header that a newer broker knows is one more to try.
func TestEveryHeaderThatTheBrokerKnowsIsTried(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/nats-io/nats-server/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "server", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the broker's source: %v", err)
	}
	name := regexp.MustCompile(`"(Nats-[A-Za-z-]*[A-Za-z])"`)
	known := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range name.FindAllStringSubmatch(string(source), -1) {
			known[m[1]] = true
		}
	}
	for h := range known {
		if _, ok := headers[h]; !ok {
			t.Errorf("the broker knows the header %s, which no attempt uses", h)
		}
	}
	for h := range headers {
		if !known[h] {
			t.Errorf("the broker no longer knows the header %s", h)
		}
	}
}

// tryHeaders publishes a request with each header, and checks what became of it.
func (p *publisher) tryHeaders(t *testing.T) {
	t.Helper()
	n := 0
	try := func(name, value string) error {
		n++
		return p.try("calls.requests."+p.account, p.body(fmt.Sprintf("header-%d", n), callee(n)), map[string][]string{name: {value}})
	}
	for name, h := range headers {
		for _, value := range h.values {
			if err := try(name, value); (err == nil) != h.stored {
				t.Errorf("a request with %s: %s: %v", name, value, err)
			}
		}
	}
	for name, value := range ourHeaders {
		if err := try(name, value); err != nil {
			t.Errorf("a request with %s: %s: %v", name, value, err)
		}
	}
}
