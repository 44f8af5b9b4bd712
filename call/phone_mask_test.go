package call_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/ringonce/ringonce/call"
)

// runOfSeven is what must not be shown: it may be a phone number.
var runOfSeven = regexp.MustCompile(`\p{Nd}{7}`)

func phone(t testing.TB, s string) call.Phone {
	t.Helper()
	p, _, err := call.ParsePhone(s, call.PossibleNumbers)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPhoneMasksItselfUnderEveryVerb(t *testing.T) {
	p := phone(t, "+919876543210")
	if got := p.String(); got != "+91…10" {
		t.Errorf("String() = %q", got)
	}
	if got := p.GoString(); got != "+91…10" {
		t.Errorf("GoString() = %q", got)
	}
	hidden := []string{"9876543210", fmt.Sprintf("%x", "9876543210"), fmt.Sprintf("%X", "9876543210")}
	for _, verb := range []string{
		"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%20v", "%-20s", "%.30d",
	} {
		for what, value := range map[string]any{
			"phone": p, "pointer": &p, "slice": []call.Phone{p}, "map": map[string]call.Phone{"to": p},
			"struct": struct{ To call.Phone }{p}, "request": call.Request{From: p, To: p},
		} {
			shown := fmt.Sprintf(verb, value)
			for _, secret := range hidden {
				if strings.Contains(shown, secret) {
					t.Errorf("%s of a %s shows the number: %s", verb, what, shown)
				}
			}
		}
	}
}

func TestPhoneMasksItselfInLogs(t *testing.T) {
	p := phone(t, "+919876543210")
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("call", "to", p, "pointer", &p, "list", []call.Phone{p},
			"struct", struct{ To call.Phone }{p}, slog.Group("g", "from", p))
	}
	if strings.Contains(log.String(), "9876543210") {
		t.Errorf("the log shows the number: %s", log.String())
	}
	if !strings.Contains(log.String(), `"to":"+91…10"`) || !strings.Contains(log.String(), "g.from=+91…10") {
		t.Errorf("the log does not show the masked number: %s", log.String())
	}
	b, err := json.Marshal(map[string]any{"to": p})
	if err != nil || strings.Contains(string(b), "9876543210") {
		t.Errorf("JSON shows the number: %s, %v", b, err)
	}
}

func TestShortNumbersAreMaskedWhole(t *testing.T) {
	for number, want := range map[string]string{"+2906123": "…", "+6812345": "…", "+29061234": "…", "+4721234567": "+47…67"} {
		p, _, err := call.ParsePhone(number, call.PossibleNumbers)
		if err != nil {
			continue // not a length in use there; the others are enough
		}
		if p.String() != want {
			t.Errorf("%s is shown as %s, want %s", number, p, want)
		}
	}
	if s := (call.Phone{}).String(); s != "…" {
		t.Errorf("no number is shown as %q", s)
	}
}
