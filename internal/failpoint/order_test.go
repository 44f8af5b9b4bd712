package failpoint

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][]order{
		"claim.before":                         {{ClaimBefore, 1, kill}},
		"claim.before:3":                       {{ClaimBefore, 3, kill}},
		"claim.before:stop":                    {{ClaimBefore, 1, stop}},
		"claim.before:2:stop,ack.after:1:kill": {{ClaimBefore, 2, stop}, {AckAfter, 1, kill}},
	} {
		got, err := parse(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "there is no point",
		"claim":                  "there is no point",
		"claim.before,":          "there is no point",
		"claim.before:0":         "is no count",
		"claim.before:x":         "is no count",
		"claim.before:1:pause":   "cannot be read",
		"claim.before:kill:1":    "cannot be read",
		"claim.before:1:stop:no": "cannot be read",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestEveryPointIsNamedOnce(t *testing.T) {
	seen := map[Point]bool{}
	for _, p := range All() {
		if seen[p] {
			t.Errorf("%s is listed twice", p)
		}
		seen[p] = true
		if p == "" || strings.ContainsAny(string(p), ":, ") {
			t.Errorf("%q cannot be armed", p)
		}
	}
}
