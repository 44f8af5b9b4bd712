package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// suiteTimeout bounds one suite on one mutant: some faults make the program hang,
// and that counts as caught.
const suiteTimeout = 4 * time.Minute

// withProperties are the packages with property tests.
var withProperties = []string{"call", "dispatcher", "queue/ratelimit"}

// suites are what ought to notice, the quickest first. The first one that fails
// ends the trial.
func (m mutant) suites(seeds int) [][]string {
	promise := []string{"./tests/simulation", "-run", "TestThePromiseHolds|TestRecreatedRecords", "-seeds", fmt.Sprint(seeds)}
	control, adversarial, endtoend := []string{"./tests/control"}, []string{"./tests/adversarial"}, []string{"./tests/endtoend"}
	home := filepath.Dir(m.file)
	own := []string{"./" + home}
	if home == "queue" { // what its packages do together is tested below it
		own = []string{"./queue/..."}
	}
	if home == "internal/app" { // wires everything, and tests little of it by itself
		return [][]string{own, control, promise, adversarial, endtoend}
	}
	if slices.Contains(withProperties, home) {
		own = append(own, "-rapid.nofailfile") // what fails with a fault is no finding to keep
	}
	if home == "dispatcher/lane" { // what it forbids shows in the handler's tests, too
		return [][]string{own, {"./dispatcher", "-rapid.nofailfile"}, promise, control, adversarial, endtoend}
	}
	return [][]string{own, promise, control, adversarial, endtoend}
}

// try tests with the fault in place, and says what noticed, and by which suite. A
// fault for which a suite does not compile is none. What fails now and then by
// itself has noticed nothing: only what fails a second time counts.
func (m mutant) try(ctx context.Context, dir string, seeds int, by map[string][]string) ([]string, error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return nil, err
	}
	for _, suite := range m.suites(seeds) {
		key := strings.Join(suite, " ")
		first, err := m.run(ctx, overlay, suite)
		if err != nil {
			return nil, err
		}
		if len(first.names) == 0 {
			continue
		}
		if first.late { // a second time would take as long again
			by[key] = append(by[key], first.tests...)
			return first.names, nil
		}
		second, err := m.run(ctx, overlay, suite)
		if err != nil {
			return nil, err
		}
		if both := common(first.names, second.names); len(both) > 0 {
			by[key] = append(by[key], common(first.tests, second.tests)...)
			return both, nil
		}
	}
	return nil, nil
}

// trial is what one run of a suite came to.
type trial struct {
	names []string // of the invariants and the tests that noticed
	tests []string // of the tests among them that can be run by their names
	late  bool     // it did not end
}

func (m mutant) run(ctx context.Context, overlay string, suite []string) (trial, error) {
	bounded, cancel := context.WithTimeout(ctx, suiteTimeout)
	defer cancel()
	args := append([]string{"test", "-overlay", overlay, "-vet=off", "-failfast", "-count=1"}, suite...)
	out, err := command(bounded, "go", args...).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return trial{}, ctx.Err()
	case err == nil:
		return trial{}, nil
	case strings.Contains(string(out), "[build failed]"):
		return trial{}, fmt.Errorf("it does not compile: %w\n%s", err, out)
	default:
		late := bounded.Err() != nil
		return trial{names: noticed(string(out), late), tests: tests(string(out), suite), late: late}, nil
	}
}

// common returns what is in both.
func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// overlay writes the file with the fault, and the file that points the compiler to it.
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
	cmd := exec.CommandContext(ctx, name, args...)
	// The go command does not end the test that it started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
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
