package commands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// operators are the commands of docs/operations.md.
var operators = []string{"publish", "calls", "dead", "unknown", "accounts", "streams", "doctor"}

func help(t *testing.T, path ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(binary, "ringonce"), append(path, "--help")...).Output()
	if err != nil {
		t.Fatalf("ringonce %s --help: %v", strings.Join(path, " "), err)
	}
	return string(out)
}

var subcommandLine = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*) +[A-Z]`)

// leaves lists the commands under a path that have no subcommands.
func leaves(t *testing.T, path ...string) []string {
	t.Helper()
	_, list, found := strings.Cut(help(t, path...), "Available Commands:\n")
	if !found {
		return []string{strings.Join(path, " ")}
	}
	list, _, _ = strings.Cut(list, "\n\n")
	var all []string
	for _, m := range subcommandLine.FindAllStringSubmatch(list, -1) {
		all = append(all, leaves(t, append(slices.Clone(path), m[1])...)...)
	}
	return all
}

var (
	exampleLine = regexp.MustCompile(`(?m)^(?:[a-z-]+ \| )?ringonce (.*(?:\\\n.*)*)$`)
	flagName    = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// The page has an example of every command, and no flag that does not exist.
func TestOperationsPage(t *testing.T) {
	data, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []string
	for _, m := range exampleLine.FindAllStringSubmatch(string(data), -1) {
		examples = append(examples, m[1])
	}
	for _, name := range operators {
		for _, command := range leaves(t, name) {
			shown := slices.IndexFunc(examples, func(e string) bool { return e == command || strings.HasPrefix(e, command+" ") })
			if shown < 0 {
				t.Errorf("docs/operations.md has no example of: ringonce %s", command)
			}
			usage := help(t, strings.Fields(command)...)
			for _, e := range examples {
				if !strings.HasPrefix(e, command+" ") {
					continue
				}
				for _, flag := range flagName.FindAllString(e, -1) {
					if !strings.Contains(usage, flag+" ") {
						t.Errorf("docs/operations.md: ringonce %s has no flag %s", command, flag)
					}
				}
			}
		}
	}
}
