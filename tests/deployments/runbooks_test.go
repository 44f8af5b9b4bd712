package deployments_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inBackticks and onALine match the two ways in which a page contains a command.
var (
	inBackticks = regexp.MustCompile("`ringonce ([^`\n]+)`")
	onALine     = regexp.MustCompile(`(?m)^(?:docker compose .* /|kubectl .* /)?ringonce ([a-z].*)$`)
	subcommand  = regexp.MustCompile(`^[a-z][a-z-]*(?: [a-z][a-z-]*)*`)
)

// Every command in the runbooks exists, with its flags.
func TestRunbookCommandsExist(t *testing.T) {
	program := build(t)
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		lines := inBackticks.FindAllStringSubmatch(string(text), -1)
		for _, m := range append(lines, onALine.FindAllStringSubmatch(string(text), -1)...) {
			checked++
			line := m[1]
			out, err := exec.CommandContext(t.Context(), program, append(strings.Fields(line), "--help")...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: ringonce %s: %v: %s", page, line, err, out)
			}
			// An unknown subcommand gets the help of the command above it.
			if usage := "  ringonce " + subcommand.FindString(line); !strings.Contains(string(out), usage) {
				t.Errorf("%s: ringonce %s: there is no such command", page, line)
			}
		}
	}
	if checked < 20 {
		t.Errorf("%d commands were found on the pages: the patterns no longer match", checked)
	}
}
