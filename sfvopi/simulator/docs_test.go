package simulator

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/simulator.md")

const documentation = "../../docs/simulator.md"

// documented is the fault catalogue as docs/simulator.md prints it.
func documented() string {
	var table strings.Builder
	table.WriteString("| fault | callee | answer | rings | what it is |\n|---|---|---|---|---|\n")
	for _, fault := range Faults() {
		callee := "rule only"
		if fault.Magic != "" {
			callee = fmt.Sprintf("`%s%sN`", MagicPrefix, fault.Magic)
		}
		rings := "no"
		if fault.Rings {
			rings = "**yes**"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", fault.Name, callee, fault.inWords(), rings, fault.About)
	}
	return table.String()
}

func (f *Fault) inWords() string {
	words := map[Behaviour]string{
		CutShort: "body cut short", Stall: "half a body, then nothing", NotHTTP: "not HTTP", Close: "connection closed",
		Reset: "connection reset", Hang: "nothing", CloseUnread: "connection closed", ResetUnread: "connection reset",
	}[f.Behaviour]
	if f.Status != 0 {
		words = strings.TrimSpace(fmt.Sprintf("%d %s", f.Status, words))
	}
	switch {
	case f.Message != "":
		words += " `" + f.Message + "`"
	case strings.HasPrefix(f.Body, "<html>"):
		words += " HTML page"
	}
	if f.Error != "" {
		words += ", {error} = `" + f.Error + "`"
	}
	if after, ok := f.Header["Retry-After"]; ok {
		words += ", `Retry-After: " + after + "`"
	}
	return words
}

func TestDocumentationHasTheWholeCatalogueAndNothingElse(t *testing.T) {
	const begin, end = "<!-- faults: begin -->\n", "<!-- faults: end -->"
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	table, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", documentation, begin, end)
	}
	if *update {
		if err := os.WriteFile(documentation, []byte(before+begin+documented()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table == documented() {
		return
	}
	lines := func(text string) map[string]bool {
		all := map[string]bool{}
		for line := range strings.Lines(text) {
			all[line] = true
		}
		return all
	}
	inPage, inCode := lines(table), lines(documented())
	for line := range inPage {
		if !inCode[line] {
			t.Errorf("the page says what the catalogue does not: %s", line)
		}
	}
	for line := range inCode {
		if !inPage[line] {
			t.Errorf("the page leaves out: %s", line)
		}
	}
	t.Errorf("run go test ./sfvopi/simulator -run Documentation -update")
}

func TestDocumentationNamesEveryEndingHookFaultAndDefault(t *testing.T) {
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	for digits, ending := range magicEndings {
		if row := fmt.Sprintf("| `%s%s0` | `%s` |", MagicPrefix, digits, ending); !strings.Contains(string(text), row) {
			t.Errorf("the page has no row %s", row)
		}
	}
	for _, fault := range HookFaults() {
		if row := fmt.Sprintf("| `%s` | `%s%sN` | %s |", fault.Name, MagicPrefix, fault.Magic, fault.About); !strings.Contains(string(text), row) {
			t.Errorf("the page has no row %s", row)
		}
	}
	for _, wanted := range []string{DefaultAPIKey, DefaultNumber, DefaultInactiveNumber, DefaultAvailableNumber} {
		if !strings.Contains(string(text), wanted) {
			t.Errorf("the page does not name %s of the default world", wanted)
		}
	}
}
