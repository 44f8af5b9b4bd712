package call_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ringonce/ringonce/call"
)

func digestOf(t testing.TB, data []byte) call.Digest {
	t.Helper()
	_, digest, err := call.DecodeRequest(data, call.PossibleNumbers)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return digest
}

// TestDigestStaysTheSame fails when the way of hashing changes under the same
// version: every request under way would then be taken for another one.
func TestDigestStaysTheSame(t *testing.T) {
	if got, want := digestOf(t, fullRequest().json(t)), call.Digest("f1:HCtEXvAfpH8bvWYjpSJk426YkzmxRpgCqZ_hhVkjTy4"); got != want {
		t.Errorf("full request: %s, want %s", got, want)
	}
	_, got, _ := call.DecodeRequest([]byte("not a request"), call.PossibleNumbers)
	if want := call.Digest("b1:u9AN8CWp_UbTuX2a0l-TcCiZx3yCIURjbvvzH1Q3eyY"); got != want {
		t.Errorf("bytes: %s, want %s", got, want)
	}
}

func TestDigestIsOfTheContent(t *testing.T) {
	want := digestOf(t, []byte(`{"id":"a","from":"+919876543210","to":"+14155552671","app_id":"é/","ring_timeout":30,"metadata":{"a":"1","b":"2"}}`))
	same := map[string]string{
		"other order":    `{"metadata":{"b":"2","a":"1"},"ring_timeout":30,"app_id":"é/","to":"+14155552671","from":"+919876543210","id":"a"}`,
		"spacing":        " {\n\t\"id\" : \"a\" , \"from\":\"+919876543210\",\"to\":\"+14155552671\",\"app_id\":\"é/\",\"ring_timeout\": 30,\"metadata\":{ \"a\":\"1\",\"b\":\"2\" } }\r\n",
		"escapes":        `{"\u0069d":"\u0061","from":"\u002B919876543210","to":"+1415555267\u0031","app_id":"\u00e9\/","ring_timeout":30,"metadata":{"\u0061":"\u0031","b":"2"}}`,
		"another id":     `{"id":"b","from":"+919876543210","to":"+14155552671","app_id":"é/","ring_timeout":30,"metadata":{"a":"1","b":"2"}}`,
		"no id":          `{"from":"+919876543210","to":"+14155552671","app_id":"é/","ring_timeout":30,"metadata":{"a":"1","b":"2"}}`,
		"nulls":          `{"from":"+919876543210","to":"+14155552671","app_id":"é/","ring_timeout":30,"metadata":{"a":"1","b":"2"},"ring_url":null,"call_time_limit":null}`,
		"empty is unset": `{"from":"+919876543210","to":"+14155552671","app_id":"é/","ring_timeout":30,"metadata":{"a":"1","b":"2"},"ring_url":"","not_before":""}`,
	}
	for name, data := range same {
		if got := digestOf(t, []byte(data)); got != want {
			t.Errorf("%s: another digest", name)
		}
	}
}

func TestDigestChangesWithEveryField(t *testing.T) {
	full := fullRequest()
	changes := fields{
		"from": "+919876543211", "to": "+14155552672", "app_id": "sfv_app_2",
		"answer_url": "https://example.com/b", "answer_method": "POST",
		"ring_url": "https://example.com/b", "ring_method": "GET",
		"hangup_url": "https://example.com/b", "hangup_method": "POST",
		"ring_timeout": 31, "call_time_limit": 3601,
		"not_before": "2026-01-31T09:00:01+05:30", "expires_at": "2026-01-31T18:00:01Z",
		"metadata": map[string]string{"order": "1", "customer": "3"},
	}
	if missed := len(full) - 1 - len(changes); missed != 0 {
		t.Fatalf("%d fields are not tried", missed)
	}
	seen := map[call.Digest]string{digestOf(t, full.json(t)): "the request itself"}
	see := func(what string, f fields) {
		digest := digestOf(t, f.json(t))
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have one digest", what, other)
		}
		seen[digest] = what
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		see("changed "+name, full.with(name, changes[name]))
		if name != "from" && name != "to" {
			see("without "+name, full.without(name))
		}
	}
	see("defaults spelled out", fields{"from": full["from"], "to": full["to"], "ring_timeout": 60, "call_time_limit": 14400})
	see("defaults left out", fields{"from": full["from"], "to": full["to"]})
}

// TestDigestBoundariesCannotBeShifted moves text from one field to its
// neighbour, and back, so that all of it in a row stays the same.
func TestDigestBoundariesCannotBeShifted(t *testing.T) {
	base := fields{"from": "+919876543210", "to": "+14155552671"}
	pairs := [][2]fields{
		{base.with("app_id", "https://a/"), base.with("answer_url", "https://a/")},
		{base.with("answer_url", "https://a/"), base.with("ring_url", "https://a/")},
		{base.with("answer_method", "GET"), base.with("ring_method", "GET")},
		{base.with("not_before", "2026-01-31T09:00:00Z"), base.with("expires_at", "2026-01-31T09:00:00Z")},
		{base.with("ring_timeout", 30), base.with("call_time_limit", 30)},
		{base.with("metadata", map[string]string{"ab": "c"}), base.with("metadata", map[string]string{"a": "bc"})},
		{base.with("metadata", map[string]string{"a": "b", "c": ""}), base.with("metadata", map[string]string{"a": "", "b": "c"})},
		{base.with("metadata", map[string]string{"a": ""}), base},
		{base.with("metadata", map[string]string{"eight by": ""}), base.with("app_id", "eight by")},
	}
	for _, pair := range pairs {
		if digestOf(t, pair[0].json(t)) == digestOf(t, pair[1].json(t)) {
			t.Errorf("%v and %v have one digest", pair[0], pair[1])
		}
	}
}

// TestDigestNeedsEqualMetadata tries pairs of metadata of few letters, where
// different splits of one text are common.
func TestDigestNeedsEqualMetadata(t *testing.T) {
	metadata := rapid.MapOfN(rapid.StringMatching(`[ab\x00]{1,3}`), rapid.StringMatching(`[ab\x00]{0,3}`), 0, 3)
	base := fields{"from": "+919876543210", "to": "+14155552671"}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := metadata.Draw(rt, "a"), metadata.Draw(rt, "b")
		same := digestOf(t, base.with("metadata", a).json(t)) == digestOf(t, base.with("metadata", b).json(t))
		if same != maps.Equal(a, b) {
			rt.Fatalf("%q and %q: one digest: %t", a, b, same)
		}
	})
}

func TestDigestOfInvalidRequests(t *testing.T) {
	seen := map[call.Digest]bool{}
	for _, data := range []string{"", "null", "{", `{"x":1}`, `{"x": 1}`, strings.Repeat(" ", 20_000), strings.Repeat(" ", 20_001)} {
		_, digest, err := call.DecodeRequest([]byte(data), call.PossibleNumbers)
		if err == nil || !strings.HasPrefix(string(digest), "b1:") || seen[digest] {
			t.Errorf("%.20q: digest %s, %v", data, digest, err)
		}
		seen[digest] = true
	}
	_, digest, err := call.DecodeRequest([]byte(`{"from":"x","to":"y"}`), call.PossibleNumbers)
	if err == nil || !strings.HasPrefix(string(digest), "f1:") {
		t.Errorf("fields out of bounds: digest %s, %v", digest, err)
	}
}
