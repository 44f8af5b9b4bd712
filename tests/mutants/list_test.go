package main

import (
	"os"
	"strings"
	"testing"
)

// A mutant whose code has changed tests nothing any more.
func TestEveryMutantFits(t *testing.T) {
	t.Chdir("../..")
	names := map[string]bool{}
	for _, m := range mutants() {
		source, err := os.ReadFile(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s: the code that it changes stands %d times in %s", m.name, n, m.file)
		}
		if m.old == m.new || names[m.name] {
			t.Errorf("%s: it changes nothing, or its name is taken", m.name)
		}
		names[m.name] = true
	}
}
