package call_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestDecodeRequestReadsEveryField(t *testing.T) {
	r, _, err := call.DecodeRequest(fullRequest().json(t), call.AssignedNumbers)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "order-1" || r.From.E164() != "+919876543210" || r.To.E164() != "+14155552671" || r.AppID != "sfv_app_1" || r.Unassigned {
		t.Errorf("got id %q, from %q, to %q, app %q, unassigned %t", r.ID, r.From.E164(), r.To.E164(), r.AppID, r.Unassigned)
	}
	if want := (call.Callbacks{
		AnswerURL: "https://example.com/answer?token=s3cr3t", AnswerMethod: "GET",
		RingURL: "https://example.com/ring", RingMethod: "POST",
		HangupURL: "http://example.com/hangup", HangupMethod: "GET",
	}); r.Callbacks != want {
		t.Errorf("callbacks %+v", r.Callbacks)
	}
	if want := (call.Limits{RingTimeout: 30, CallTimeLimit: 3600}); r.Limits != want {
		t.Errorf("limits %+v", r.Limits)
	}
	if want := time.Date(2026, 1, 31, 3, 30, 0, 0, time.UTC); r.NotBefore != want {
		t.Errorf("not_before %v, want %v", r.NotBefore, want)
	}
	if want := time.Date(2026, 1, 31, 18, 0, 0, 5e8, time.UTC); r.ExpiresAt != want {
		t.Errorf("expires_at %v, want %v", r.ExpiresAt, want)
	}
	if !maps.Equal(r.Metadata, map[string]string{"order": "1", "customer": "2"}) {
		t.Errorf("metadata %v", r.Metadata)
	}
}

func TestDecodeRequestAccepts(t *testing.T) {
	least := fields{"from": "+919876543210", "to": "+14155552671"}
	metadata := map[string]string{}
	for i := range 32 {
		metadata[fmt.Sprint(i)] = ""
	}
	tests := []struct {
		name string
		data []byte
	}{
		{"the least", least.json(t)},
		{"longest id", least.with("id", strings.Repeat("a", 64)).json(t)},
		{"longest app_id", least.with("app_id", strings.Repeat("a", 128)).json(t)},
		{"longest URL", least.with("answer_url", urlOf(2048)).json(t)},
		{"URL with port, path, query, fragment", least.with("ring_url", "https://example.com:8443/a/b?c=d#e").json(t)},
		{"URL with an address", least.with("hangup_url", "http://[2001:db8::1]/").json(t)},
		{"least ring_timeout", least.with("ring_timeout", 1).json(t)},
		{"most ring_timeout", least.with("ring_timeout", 600).json(t)},
		{"least call_time_limit", least.with("call_time_limit", 1).json(t)},
		{"most call_time_limit", least.with("call_time_limit", 86400).json(t)},
		{"most metadata", least.with("metadata", metadata).json(t)},
		{"longest metadata entry", least.with("metadata", map[string]string{strings.Repeat("k", 64): strings.Repeat("v", 1024)}).json(t)},
		{"nanoseconds", least.with("expires_at", "2026-01-31T09:00:00.123456789Z").json(t)},
		{"null is not given", []byte(`{"from":"+919876543210","to":"+14155552671","id":null,"app_id":null,"ring_timeout":null,"metadata":null,"not_before":null}`)},
		{"empty is not given", least.with("app_id", "").with("answer_url", "").with("not_before", "").with("metadata", map[string]string{}).json(t)},
		{"escapes in names", []byte(`{"\u0066rom":"\u002b919876543210","to":"+14155552671"}`)},
		{"16 KiB", padded(t, least, call.MaxRequestSize)},
		{"byte order mark", []byte("\ufeff" + string(padded(t, least, call.MaxRequestSize)))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, _, err := call.DecodeRequest(test.data, call.PossibleNumbers); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestDecodeRequestCountsUnassignedRanges(t *testing.T) {
	for _, field := range []string{"from", "to"} {
		data := fullRequest().with(field, "+911000000000").json(t)
		if r, _, err := call.DecodeRequest(data, call.PossibleNumbers); err != nil || !r.Unassigned {
			t.Errorf("%s: %v, unassigned %t", field, err, r.Unassigned)
		}
		wantRefused(t, data, call.AssignedNumbers, call.InvalidRequest, field)
	}
}

func TestDecodeRequestRefusesMalformed(t *testing.T) {
	least := `"from":"+919876543210","to":"+14155552671"`
	tests := []struct{ name, data, field string }{
		{"empty", "", ""},
		{"blank", " ", ""},
		{"null", "null", ""},
		{"string", `"+919876543210"`, ""},
		{"number", "9876543210", ""},
		{"array", `[{` + least + `}]`, ""},
		{"two values", `{` + least + `}{}`, ""},
		{"cut short", `{` + least, ""},
		{"trailing comma", `{` + least + `,}`, ""},
		{"comment", `{` + least + `/**/}`, ""},
		{"two byte order marks", "\ufeff\ufeff{" + least + "}", ""},
		{"NUL", "{" + least + "}\x00", ""},
		{"invalid UTF-8", "{" + least + ",\"app_id\":\"\xff\"}", ""},
		{"lone surrogate", `{` + least + `,"app_id":"\ud800"}`, ""},
		{"control character in a string", "{" + least + ",\"app_id\":\"a\nb\"}", ""},
		{"unknown field", `{` + least + `,"priority":"urgent"}`, "priority"},
		{"account in the payload", `{` + least + `,"account":"other"}`, "account"},
		{"wrong case", `{` + least + `,"Answer_URL":"https://example.com"}`, "Answer_URL"},
		{"nameless field", `{` + least + `,"":1}`, "a nameless field"},
		{"unknown field like a number", `{` + least + `,"98765/43210":1}`, "(number)"},
		{"unknown field like a URL", `{` + least + `,"https://a/s3cr3t":1}`, "(url)"},
		{"long unknown field", `{` + least + `,"` + strings.Repeat("é", 1000) + `":1}`, strings.Repeat("é", 80)},
		{"deep unknown field", `{` + least + `,"x":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`, "x"},
		{"deep nesting", strings.Repeat("[", 16000), ""},
		{"deep metadata", `{` + least + `,"metadata":{"a":` + strings.Repeat(`{"a":`, 2500) + `1` + strings.Repeat("}", 2500) + `}}`, "metadata"},
		{"duplicate field", `{` + least + `,"to":"+14155552671"}`, "to"},
		{"duplicate field, escaped", `{` + least + `,"t\u006f":"+14155552671"}`, "to"},
		{"duplicate metadata", `{` + least + `,"metadata":{"a":"1","a":"2"}}`, "metadata"},
		{"number for a string", `{"from":919876543210,"to":"+14155552671"}`, "from"},
		{"list of numbers", `{"from":"+919876543210","to":["+14155552671"]}`, "to"},
		{"string for an integer", `{` + least + `,"ring_timeout":"30"}`, "ring_timeout"},
		{"fraction", `{` + least + `,"ring_timeout":30.5}`, "ring_timeout"},
		{"whole fraction", `{` + least + `,"ring_timeout":30.0}`, "ring_timeout"},
		{"exponent", `{` + least + `,"ring_timeout":3e1}`, "ring_timeout"},
		{"integer beyond 64 bits", `{` + least + `,"call_time_limit":99999999999999999999}`, "call_time_limit"},
		{"boolean", `{` + least + `,"call_time_limit":true}`, "call_time_limit"},
		{"metadata of a number", `{` + least + `,"metadata":{"a":1}}`, "metadata"},
		{"metadata as an array", `{` + least + `,"metadata":["a"]}`, "metadata"},
		{"time as a number", `{` + least + `,"not_before":1769850000}`, "not_before"},
		{"id as a number", `{` + least + `,"id":12345678}`, "id"},
		{"id with a dot", `{` + least + `,"id":"a.b"}`, "id"},
		{"id of ours", `{` + least + `,"id":"=1-a"}`, "id"},
		{"id too long", `{` + least + `,"id":"` + strings.Repeat("a", 65) + `"}`, "id"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantRefused(t, []byte(test.data), call.PossibleNumbers, call.Malformed, test.field)
		})
	}
	t.Run("over 16 KiB", func(t *testing.T) {
		wantRefused(t, padded(t, fullRequest(), call.MaxRequestSize+1), call.PossibleNumbers, call.Malformed, "")
	})
}

func TestDecodeRequestRefusesOutOfBounds(t *testing.T) {
	full := fullRequest()
	many := map[string]string{}
	for i := range 33 {
		many[fmt.Sprint(i)] = ""
	}
	tests := []struct {
		name  string
		field string
		value any
	}{
		{"no from", "from", ""},
		{"null to", "to", nil},
		{"list", "to", "+919876543210<+919876543211"},
		{"SIP URI", "from", "sip:+919876543210@example.com"},
		{"trunk prefix", "from", "+9109876543210"},
		{"app_id too long", "app_id", strings.Repeat("a", 129)},
		{"app_id with a control character", "app_id", "a\x7f"},
		{"URL too long", "answer_url", urlOf(2049)},
		{"URL without a scheme", "answer_url", "example.com/s3cr3t"},
		{"URL without a host", "answer_url", "https:///s3cr3t"},
		{"URL with a port alone", "ring_url", "https://:443/s3cr3t"},
		{"opaque URL", "ring_url", "https:s3cr3t"},
		{"other scheme", "ring_url", "ftp://example.com/s3cr3t"},
		{"javascript", "hangup_url", "javascript:s3cr3t()"},
		{"websocket", "answer_url", "wss://example.com/s3cr3t"},
		{"password", "hangup_url", "https://u:s3cr3t@example.com"},
		{"user name", "hangup_url", "https://s3cr3t@example.com"},
		{"zero-width space in the URL", "answer_url", "https://example.com/\u200bs3cr3t"},
		{"no-break space behind the URL", "answer_url", "https://example.com/s3cr3t\u00a0"},
		{"space in the URL", "answer_url", "https://example.com/a s3cr3t"},
		{"space before the URL", "answer_url", " https://example.com/s3cr3t"},
		{"newline in the URL", "answer_url", "https://example.com/\ns3cr3t"},
		{"bad escape in the URL", "answer_url", "https://example.com/%zzs3cr3t"},
		{"backslash before the host", "answer_url", `https://example.com\@s3cr3t.example`},
		{"method in lower case", "answer_method", "post"},
		{"other method", "ring_method", "PUT"},
		{"method with a newline", "hangup_method", "GET\n"},
		{"ring_timeout 0", "ring_timeout", 0},
		{"ring_timeout too long", "ring_timeout", 601},
		{"negative ring_timeout", "ring_timeout", -1},
		{"call_time_limit 0", "call_time_limit", 0},
		{"call_time_limit too long", "call_time_limit", 86401},
		{"date alone", "not_before", "2026-01-31"},
		{"no zone", "not_before", "2026-01-31T09:00:00"},
		{"blank for T", "not_before", "2026-01-31 09:00:00Z"},
		{"one-digit hour", "not_before", "2026-01-31T9:00:00Z"},
		{"decimal comma", "not_before", "2026-01-31T09:00:00,5Z"},
		{"offset of a day", "expires_at", "2026-01-31T09:00:00+24:00"},
		{"no such day", "expires_at", "2026-02-30T09:00:00Z"},
		{"seconds since 1970", "expires_at", "1769850000"},
		{"year 1", "expires_at", "0001-01-01T00:00:00Z"},
		{"year 1999", "not_before", "1999-12-31T23:59:59Z"},
		{"year 9999", "expires_at", "9999-12-31T23:59:59Z"},
		{"after expires_at", "not_before", "2026-01-31T18:00:01Z"},
		{"at expires_at", "not_before", "2026-01-31T18:00:00.5Z"},
		{"too much metadata", "metadata", many},
		{"nameless metadata", "metadata", map[string]string{"": "s3cr3t"}},
		{"metadata name too long", "metadata", map[string]string{strings.Repeat("k", 65): ""}},
		{"metadata value too long", "metadata", map[string]string{"k": strings.Repeat("v", 1025)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantRefused(t, full.with(test.field, test.value).json(t), call.PossibleNumbers, call.InvalidRequest, test.field)
		})
	}
}

// wantRefused checks that the refusal names the field, the rule and the fix,
// and repeats nothing of the value.
func wantRefused(t *testing.T, data []byte, check call.NumberCheck, reason call.Reason, field string) {
	t.Helper()
	_, digest, err := call.DecodeRequest(data, check)
	var invalid *call.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want an InvalidError", err)
	}
	if invalid.Reason != reason || invalid.Field != field || invalid.Rule == "" || invalid.Fix == "" {
		t.Errorf("got %+v, want reason %q, field %q, a rule and a fix", *invalid, reason, field)
	}
	text := err.Error()
	if strings.Contains(text, "s3cr3t") || runOfSeven.MatchString(text) || len(text) > 512 || text != strings.ToValidUTF8(text, "") {
		t.Errorf("the error repeats what was sent: %q", text)
	}
	if digest == "" {
		t.Error("no digest")
	}
	if _, _, err := call.DecodeRequest(data, check); err.Error() != text {
		t.Errorf("the same bytes give another error: %v", err)
	}
}

func urlOf(length int) string {
	const start = "https://example.com/s3cr3t/"
	return start + strings.Repeat("a", length-len(start))
}

// padded blows the request up to an exact size with spaces.
func padded(t *testing.T, f fields, size int) []byte {
	t.Helper()
	b := f.json(t)
	return append(b, []byte(strings.Repeat(" ", size-len(b)))...)
}

// What people send instead of one JSON object is named.
func TestDecodeRequestHints(t *testing.T) {
	const object = `{"from":"+919876543210","to":"+14155552671"}`
	tests := []struct{ name, data, fix string }{
		{"array", "[" + object + "]", "send each of its objects by itself"},
		{"array over lines", "[\n " + object + "\n]", "send each of its objects by itself"},
		{"two objects", object + object, "another object follows the first; send each by itself"},
		{"two objects over lines", object + "\n" + object, "another object follows the first; send each by itself"},
		{"comma behind", object + ",", "leave out the comma behind the object"},
		{"part of an object", `{"id":"a",`, "the object is not closed; send all of it on one line"},
		{"single quotes", `{'id':'a'}`, `quote names and texts with "`},
		{"curly quotes", `{“id”:“a”}`, `quote names and texts with "`},
		{"UTF-16", "{\x00\"\x00i\x00d\x00", "it seems to be UTF-16; send UTF-8"},
		{"Windows-1252", "{\"id\":\"a\",\"metadata\":{\"name\":\"Andr\xe9\"}}", "it is in another encoding, such as Windows-1252; send UTF-8"},
		{"no-break space", "{\u00a0\"id\":\"a\"}", "delete the invisible character U+00A0"},
		{"zero-width space behind", object + "\u200b", "delete the invisible character U+200B"},
		{"invisible character in a name", `{"from` + "\u200b" + `":"+919876543210"}`, "delete the invisible character U+200B from its name"},
		{"invisible character in an id", `{"id":"a` + "\u200b" + `","from":"+919876543210","to":"+14155552671"}`, "delete the invisible character U+200B"},
		{"text", "hello", "send one JSON object and nothing else"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := call.DecodeRequest([]byte(test.data), call.PossibleNumbers)
			var refused *call.InvalidError
			if !errors.As(err, &refused) || refused.Fix != test.fix {
				t.Errorf("got %v, want the advice %q", err, test.fix)
			}
		})
	}
}

func TestDecodeRequestNamesEveryMistake(t *testing.T) {
	data := fullRequest().with("id", "a.b").with("to", "9876543210").with("answer_method", "post").with("ring_timeout", 0).json(t)
	_, _, err := call.DecodeRequest(data, call.PossibleNumbers)
	var refused *call.InvalidError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range refused.All() {
		got = append(got, e.Field)
	}
	if want := []string{"id", "to", "answer_method", "ring_timeout"}; !slices.Equal(got, want) {
		t.Errorf("mistakes in %v, want %v", got, want)
	}
}
