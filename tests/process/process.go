// Package process runs programs as separate processes, for tests that stop,
// continue and kill them.
package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// waitTimeout bounds every wait. It is generous, because no test asserts how long
// something takes.
const waitTimeout = 60 * time.Second

// Process is a program that can be stopped, continued and killed.
type Process struct {
	t       *testing.T
	Name    string
	pid     int
	log     string // the file of its standard error
	changes chan syscall.WaitStatus
	reaping sync.WaitGroup
}

// Start runs a program until the test ends, if not before.
func Start(t *testing.T, name, binary string, args, environ []string) *Process {
	t.Helper()
	p := &Process{t: t, Name: name, log: filepath.Join(t.TempDir(), name+".log"), changes: make(chan syscall.WaitStatus, 16)}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	proc, err := os.StartProcess(binary, append([]string{binary}, args...), &os.ProcAttr{Env: environ, Files: []*os.File{nil, log, log}})
	if err != nil {
		t.Fatal(err)
	}
	p.pid = proc.Pid
	_ = proc.Release() // reap waits for it, and sees it being stopped, too
	p.reaping.Go(p.reap)
	t.Cleanup(p.end)
	return p
}

// reap reports the status changes of the process.
func (p *Process) reap() {
	defer close(p.changes)
	for {
		var s syscall.WaitStatus
		_, err := syscall.Wait4(p.pid, &s, syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return
		}
		p.changes <- s
		if s.Exited() || s.Signaled() {
			return
		}
	}
}

// Await waits for a status change of the process.
func (p *Process) Await() syscall.WaitStatus {
	p.t.Helper()
	limit := time.NewTimer(waitTimeout)
	defer limit.Stop()
	select {
	case s, ok := <-p.changes:
		if !ok {
			p.t.Fatalf("%s is gone", p.Name)
		}
		return s
	case <-limit.C:
		p.t.Fatalf("waited too long for %s", p.Name)
		return 0
	}
}

// AwaitFailpoint waits until the process dies or stops at a failpoint, and checks
// that it was this one.
func (p *Process) AwaitFailpoint(point, action string) {
	p.t.Helper()
	s := p.Await()
	if (action == "kill" && (!s.Signaled() || s.Signal() != syscall.SIGKILL)) || (action == "stop" && !s.Stopped()) {
		p.t.Fatalf("%s did not %s at %s: wait status %#x\n%s", p.Name, action, point, s, p.Output())
	}
	if want := "failpoint: " + point + " " + action + "\n"; !bytes.Contains(p.Output(), []byte(want)) {
		p.t.Fatalf("%s did not come to %s\n%s", p.Name, point, p.Output())
	}
}

// Resume continues a process that was stopped.
func (p *Process) Resume() { p.Signal(syscall.SIGCONT) }

// Terminate ends the process with SIGTERM, and checks that it exits with status 0.
func (p *Process) Terminate() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	if s := p.Await(); !s.Exited() || s.ExitStatus() != 0 {
		p.t.Errorf("%s ended with wait status %#x\n%s", p.Name, s, p.Output())
	}
}

// Kill ends the process at once, with no chance to clean up, and waits until it is gone.
func (p *Process) Kill() {
	p.t.Helper()
	p.Signal(syscall.SIGKILL)
	if s := p.Await(); !s.Signaled() {
		p.t.Errorf("%s ended by itself with wait status %#x\n%s", p.Name, s, p.Output())
	}
}

// Signal sends the process a signal.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.pid, s); err != nil {
		p.t.Fatalf("signal %s: %v", p.Name, err)
	}
}

// end makes sure that nothing is left of the process.
func (p *Process) end() {
	select {
	case s, ok := <-p.changes:
		if !ok || s.Exited() || s.Signaled() {
			p.reaping.Wait()
			return
		}
	default:
	}
	_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have ended meanwhile
	for range p.changes {
		continue // until it is reaped
	}
	p.reaping.Wait()
}

// Output is what the process wrote so far.
func (p *Process) Output() []byte {
	data, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

var serving = regexp.MustCompile(`msg="serving health and metrics".* address=(\S+)`)

// Address is where a worker serves its metrics, empty before it does.
func (p *Process) Address() string {
	if m := serving.FindSubmatch(p.Output()); m != nil {
		return string(m[1])
	}
	return ""
}

// Metrics returns the worker's metrics; nothing while it does not respond.
func (p *Process) Metrics() []byte {
	address := p.Address()
	if address == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), waitTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil
	}
	return text
}
