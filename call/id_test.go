package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestParseAccount(t *testing.T) {
	for _, good := range []string{"a", "default", "acme-2", "0", "-", strings.Repeat("a", 32)} {
		if got, err := call.ParseAccount(good); err != nil || string(got) != good {
			t.Errorf("ParseAccount(%q) = %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", "A", "a_b", "a.b", "a b", "a*", "a>", "é", "а", "a\x00", "a\n", strings.Repeat("a", 33),
	} {
		if got, err := call.ParseAccount(bad); err == nil || got != "" {
			t.Errorf("ParseAccount(%q) = %q, %v, want it refused", bad, got, err)
		}
	}
}

func TestParseID(t *testing.T) {
	tests := []struct {
		id                string
		published, stored bool // may a publisher choose it, may a record bear it
	}{
		{"a", true, true},
		{"Order_2026-01", true, true},
		{strings.Repeat("Z", 64), true, true},
		{"=1-abc", false, true},
		{"=" + strings.Repeat("Z", 63), false, true},
		{"=" + strings.Repeat("Z", 64), false, false},
		{strings.Repeat("Z", 65), false, false},
		{"", false, false},
		{"=", false, false},
		{"==a", false, false},
		{"a=b", false, false},
		{"a.b", false, false},
		{"a b", false, false},
		{"*", false, false},
		{">", false, false},
		{"a\n", false, false},
		{"ï", false, false},
		{"٣", false, false},
	}
	for _, test := range tests {
		if id, err := call.ParseID(test.id); (err == nil) != test.published || (err == nil && string(id) != test.id) {
			t.Errorf("ParseID(%q) = %q, %v, want accepted: %t", test.id, id, err, test.published)
		}
		if id, err := call.ParseStoredID(test.id); (err == nil) != test.stored || (err == nil && string(id) != test.id) {
			t.Errorf("ParseStoredID(%q) = %q, %v, want accepted: %t", test.id, id, err, test.stored)
		}
	}
}

func TestGeneratedIDsAreStorableAndDistinct(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 0, 0, 7, time.UTC)
	origins := []call.Origin{
		{},
		{Sequence: 1, Published: at},
		{Sequence: 2, Published: at},
		{Sequence: 1, Published: at.Add(1)}, // the stream was made anew
		{Stream: "CALLS_BULK", Sequence: 1, Published: at},
		{Stream: "CALLS_URGENT", Sequence: 1<<64 - 1, Published: time.Unix(0, 1<<63-1)},
		{Sequence: 1<<64 - 1, Published: time.Unix(0, 1<<63-1)},
		{Sequence: 1, Published: time.Unix(-1, 0)},
	}
	seen := map[call.ID]bool{}
	for _, o := range origins {
		id := call.GeneratedID(o)
		if seen[id] {
			t.Errorf("MadeID(%v) = %q, which another message has", o, id)
		}
		seen[id] = true
		if _, err := call.ParseStoredID(string(id)); err != nil || !id.Generated() {
			t.Errorf("MadeID(%v) = %q: %v, made: %t", o, id, err, id.Generated())
		}
		if _, err := call.ParseID(string(id)); err == nil {
			t.Errorf("a publisher may choose the made-up id %q", id)
		}
	}
	if call.ID("a").Generated() || call.ID("").Generated() {
		t.Error("an id of a publisher counts as made up")
	}
}

func TestOriginSame(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	o := call.Origin{Sequence: 7, Published: at}
	if !o.Same(call.Origin{Sequence: 7, Published: at.In(time.FixedZone("IST", 19800))}) {
		t.Error("the same instant in another zone is another message")
	}
	for _, other := range []call.Origin{
		{Sequence: 8, Published: at},
		{Sequence: 7, Published: at.Add(1)},
		{Stream: "CALLS_BULK", Sequence: 7, Published: at},
	} {
		if o.Same(other) {
			t.Errorf("%v is taken for %v", other, o)
		}
	}
}

func TestOriginKey(t *testing.T) {
	for want, o := range map[string]call.Origin{
		"0":                      {},
		"41":                     {Sequence: 41},
		"CALLS_BULK-41":          {Stream: "CALLS_BULK", Sequence: 41},
		"A-18446744073709551615": {Stream: "A", Sequence: 1<<64 - 1},
	} {
		if got := o.Key(); got != want {
			t.Errorf("%v is named %q, want %q", o, got, want)
		}
		if got, err := call.ParseOriginKey(want); err != nil || got != o {
			t.Errorf("ParseMessage(%q) = %v, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "-", "-1", "1-", "x", "A-x", "A-1-2", "-A-1", "18446744073709551616"} {
		if o, err := call.ParseOriginKey(s); err == nil {
			t.Errorf("ParseMessage(%q) = %v", s, o)
		}
	}
}

func TestParsePriority(t *testing.T) {
	for _, p := range call.Priorities() {
		if got, err := call.ParsePriority(string(p)); err != nil || got != p {
			t.Errorf("ParsePriority(%q) = %q, %v", p, got, err)
		}
	}
	for _, bad := range []string{"", "Urgent", "high", "normal ", "bulk.x"} {
		if got, err := call.ParsePriority(bad); err == nil || got != "" {
			t.Errorf("ParsePriority(%q) = %q, %v, want it refused", bad, got, err)
		}
	}
}
