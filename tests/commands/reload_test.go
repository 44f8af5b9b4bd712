package commands_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *output) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *output) count(words string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), words)
}

// The configuration is reloaded by a change of its file and by SIGHUP. An invalid
// one changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{}, nil)
	file := filepath.Join(t.TempDir(), "ringonce.yaml")
	write := func(accounts string) {
		t.Helper()
		text := fmt.Sprintf("nats:\n  url: %s\nprovider:\n  base_url: %s\nhttp:\n  address: 127.0.0.1:0\naccounts:\n%s",
			r.Broker.ClientURL(), r.Provider.URL, accounts)
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	account := func(name string) string {
		return fmt.Sprintf("  %s:\n    api_key: %s\n", name, simulator.DefaultAPIKey)
	}
	placed := func(a, id, to string) {
		t.Helper()
		r.Publish("calls.requests."+a, harness.Body(id, to))
		records, err := r.Conn.NewRecords(t.Context(), queue.Retention{}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		r.Eventually("the call of "+a+" is placed", func() bool {
			record, _, err := records.Read(t.Context(), call.Account(a), call.ID(id))
			return err == nil && record.State == call.StatePlaced
		})
	}

	write(account("default"))
	process := exec.CommandContext(t.Context(), filepath.Join(binary, "ringonce"), "run", "--config", file)
	process.Env = []string{"PATH=" + os.Getenv("PATH")}
	out := &output{}
	process.Stdout, process.Stderr = out, out
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	hangUp := func() {
		t.Helper()
		if err := process.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	r.Eventually("the worker is ready", func() bool { return out.count("ready to dial") == 1 })
	placed("default", "a", "+919812300001")

	write(account("default") + account("acme"))
	placed("acme", "b", "+919812300002")

	write(account("default") + account("acme") + "    calls_per_second: -1\n")
	r.Eventually("it is refused", func() bool { return out.count("accounts.acme.calls_per_second: must be 0 or from") == 1 })
	placed("acme", "c", "+919812300003")
	hangUp()
	r.Eventually("it is refused again", func() bool { return out.count("keeping the previous one") == 2 })

	write(account("globex"))
	hangUp()
	placed("globex", "d", "+919812300004")
	r.Eventually("the others are let go", func() bool { return out.count("the account is no longer served") == 2 })

	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, out.text.String())
	}
	if out.count(simulator.DefaultAPIKey) > 0 {
		t.Error("the key was written to the log")
	}
	if s := r.Simulator.Oracle().Summary; s.Rung != 4 || s.RungTwice != 0 {
		t.Errorf("%d phones rang, %d of them twice", s.Rung, s.RungTwice)
	}
}
