// Command mutants applies deliberate faults to our own code, one at a time, and
// runs the tests that ought to notice, until one does. A mutant that survives is
// a missing test.
// The files on disk stay as they are: the fault is an overlay for the compiler.
//
//	go run ./tests/mutants                # all of them
//	go run ./tests/mutants -sample 6      # every so-manieth, for a quick look
//	go run ./tests/mutants -only ack-first
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	only := flag.String("only", "", "the name of one mutant")
	sample := flag.Int("sample", 0, "about how many to try; 0 is all")
	seeds := flag.Int("seeds", 16, "simulation seeds for each mutant")
	flag.Parse()
	chosen := choose(*only, *sample)
	if len(chosen) == 0 {
		return fmt.Errorf("there is no mutant named %q", *only)
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var survivors []string
	fmt.Println("| fault | caught by |")
	fmt.Println("|---|---|")
	began, by := time.Now(), map[string][]string{}
	for _, m := range chosen {
		caught, err := m.try(ctx, dir, *seeds, by)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", m.name, err)
		}
		if len(caught) == 0 {
			survivors = append(survivors, m.name)
			caught = []string{"**nothing: it survives**"}
		}
		fmt.Printf("| %s: %s | %s |\n", m.name, m.fault, strings.Join(caught, ", "))
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d survive: %s", len(survivors), len(chosen), strings.Join(survivors, ", "))
	}
	if err := sound(ctx, by); err != nil {
		return err
	}
	fmt.Printf("\nall %d are caught, in %s\n", len(chosen), time.Since(began).Round(time.Second))
	return nil
}

func choose(only string, sample int) []mutant {
	all := mutants()
	if only != "" {
		return slices.DeleteFunc(all, func(m mutant) bool { return m.name != only })
	}
	if sample <= 0 || sample >= len(all) {
		return all
	}
	var some []mutant
	for i := range sample {
		some = append(some, all[i*len(all)/sample])
	}
	return some
}

// within bounds one suite on one mutant: some faults make the program wait for
// ever, and that is a way of being caught, too.
const within = 4 * time.Minute

// withProperties are the packages with property tests.
var withProperties = []string{"call", "dispatcher", "queue"}

// suites are what ought to notice, the quickest first. The first one that fails
// ends the trial.
func (m mutant) suites(seeds int) [][]string {
	own := []string{"./" + filepath.Dir(m.file)}
	if slices.Contains(withProperties, filepath.Dir(m.file)) {
		own = append(own, "-rapid.nofailfile") // what fails with a fault is no finding to keep
	}
	suites := [][]string{
		own,
		{"./tests/simulation", "-run", "TestThePromiseHolds|TestRecordsThat", "-seeds", fmt.Sprint(seeds)},
		{"./tests/hostile"},
		{"./tests/endtoend"},
	}
	if filepath.Dir(m.file) == "app" { // wires everything, and tests little of it by itself
		suites = suites[1:]
	}
	return suites
}

// try tests with the fault in place, and says what noticed, and by which suite. A
// fault for which a suite does not compile is none.
func (m mutant) try(ctx context.Context, dir string, seeds int, by map[string][]string) ([]string, error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return nil, err
	}
	for _, suite := range m.suites(seeds) {
		bounded, cancel := context.WithTimeout(ctx, within)
		args := append([]string{"test", "-overlay", overlay, "-vet=off", "-failfast", "-count=1"}, suite...)
		out, err := command(bounded, "go", args...).CombinedOutput()
		late := bounded.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && strings.Contains(string(out), "[build failed]"):
			return nil, fmt.Errorf("it does not compile: %w\n%s", err, out)
		case err != nil:
			key := strings.Join(suite, " ")
			by[key] = append(by[key], tests(string(out), suite)...)
			return noticed(string(out), late), nil
		}
	}
	return nil, nil
}

// overlay writes the file with the fault, and what tells the compiler of it.
func (m mutant) overlay(dir string) (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("the code it changes stands %d times in %s; bring the mutant up to date", n, m.file)
	}
	mutated := filepath.Join(dir, m.name+".go")
	if err := os.WriteFile(mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	whole, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {whole: mutated}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, m.name+".json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

var (
	invariant = regexp.MustCompile(`(?m)^\s*(?:\S+\.go:\d+: )?(I[1-8](?:-I4)?) `)
	failed    = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
)

// tests reads which tests failed, to be run again by their names; none if the
// suite names them itself.
func tests(out string, suite []string) []string {
	if slices.Contains(suite, "-run") {
		return nil
	}
	var names []string
	for _, m := range failed.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	return names
}

// noticed reads which invariants and which tests failed.
func noticed(out string, late bool) []string {
	var names []string
	for _, m := range invariant.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	for _, m := range failed.FindAllStringSubmatch(out, -1) {
		if m[1] != "TestThePromiseHolds" {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case late:
		names = append(names, "it never ends")
	case len(names) == 0:
		names = []string{"the tests fail to run to their end"}
	case len(names) > 6:
		names = append(names[:6:6], fmt.Sprintf("and %d more", len(names)-6))
	}
	return names
}
