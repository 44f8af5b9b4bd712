package call_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ringonce/ringonce/call"
)

var digitRun = regexp.MustCompile(`[0-9]{7,}`)

func FuzzDecodeRequest(f *testing.F) {
	f.Add(fullRequest().json(f))
	f.Add([]byte(`{"from":"+919876543210","to":"+14155552671"}`))
	f.Add([]byte(`{"from":"+919876543210","to":"+919876543210<+919876543211","98765/43210":1}`))
	f.Add([]byte(`{"id":"a","from":null,"metadata":{"a":"1","a":"2"}}`))
	f.Add([]byte(`{"ring_timeout":99999999999,"not_before":"2026-01-31T9:00:00,5Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, digest, err := call.DecodeRequest(data, call.PossibleNumbers)
		if digest == "" {
			t.Fatal("no digest")
		}
		if err != nil {
			checkRefusal(t, data, err)
			return
		}
		for _, p := range []call.Phone{r.From, r.To} {
			if again, _, err := call.ParsePhone(p.E164(), call.PossibleNumbers); err != nil || again != p {
				t.Fatalf("accepted with the number %q: %v", p.E164(), err)
			}
		}
		if r.RingTimeout < 0 || r.RingTimeout > 600 || r.CallTimeLimit < 0 || r.CallTimeLimit > 86400 {
			t.Fatalf("accepted with limits %+v", r.Limits)
		}
		if _, err := call.ParseID(string(r.ID)); r.ID != "" && err != nil {
			t.Fatalf("accepted with the id %q", r.ID)
		}
		if id, ok := call.ReadID(data); id != r.ID || ok != (r.ID != "") {
			t.Fatalf("ReadID gives %q, %t, the request has %q", id, ok, r.ID)
		}
		checkWrittenAgain(t, data, r, digest)
	})
}

// checkRefusal: typed, with a field or rule and a fix, and nothing of what was
// sent that may be a number. (Our own bounds have at most six digits.)
func checkRefusal(t *testing.T, data []byte, err error) {
	var invalid *call.InvalidError
	if !errors.As(err, &invalid) || invalid.Rule == "" || invalid.Fix == "" ||
		(invalid.Reason != call.Malformed && invalid.Reason != call.InvalidRequest) {
		t.Fatalf("refused with %#v", err)
	}
	text := err.Error()
	if !utf8.ValidString(text) || len(text) > 512 {
		t.Fatalf("refused with %d bytes: %q", len(text), text)
	}
	for _, run := range digitRun.FindAllString(string(data), -1) {
		if strings.Contains(text, run) {
			t.Fatalf("the error repeats %q: %q", run, text)
		}
	}
	if runOfSeven.MatchString(text) && len(data) < 1_000_000 {
		t.Fatalf("the error shows a number: %q", text)
	}
}

// checkWrittenAgain writes the same content by another encoder, in another
// order and without an id: it must be the same request.
func checkWrittenAgain(t *testing.T, data []byte, r call.Request, digest call.Digest) {
	var f fields
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatalf("accepted, but encoding/json says %v", err)
	}
	delete(f, "id")
	again := f.json(t)
	if len(again) > call.MaxRequestSize {
		return // encoding/json escapes more
	}
	r2, digest2, err := call.DecodeRequest(again, call.PossibleNumbers)
	if err != nil || digest2 != digest {
		t.Fatalf("written again: %s, %v; was %s\n%s\n%s", digest2, err, digest, data, again)
	}
	if r2.From != r.From || r2.To != r.To || r2.Callbacks != r.Callbacks || r2.Limits != r.Limits ||
		!r2.NotBefore.Equal(r.NotBefore) || !r2.ExpiresAt.Equal(r.ExpiresAt) || r2.Unassigned != r.Unassigned {
		t.Fatalf("written again: %+v, was %+v", r2, r)
	}
	if d := r.Expiry(time.Unix(1e9, 0), time.Hour); d.After(time.Unix(1e9, 0).Add(time.Hour)) {
		t.Fatalf("a deadline beyond the age limit: %v", d)
	}
}

func FuzzReadID(f *testing.F) {
	for _, s := range []string{
		`{"id":"a"}`, `{"x":[{"id":"b"}],"\u0069d":"\u0061"`, `{"id":"a","id":"b"}`, "{\"x\":\"\xff\",\"id\":\"=1\"}", `[]`, `{"id":1}`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		id, ok := call.ReadID(data)
		if ok != (id != "") {
			t.Fatalf("got %q, %t", id, ok)
		}
		if !ok {
			return
		}
		if _, err := call.ParseID(string(id)); err != nil {
			t.Fatalf("read %q, which is not an id: %v", id, err)
		}
		// The decoder, where it gets as far, must see the same id.
		if r, _, err := call.DecodeRequest(data, call.PossibleNumbers); err == nil && r.ID != id {
			t.Fatalf("read %q, decoded %q", id, r.ID)
		}
	})
}
