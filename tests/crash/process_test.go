package crash

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that is to happen: generous, since
// nothing is asserted about how long it takes.
const patience = 60 * time.Second

// process is a worker that can be stopped, continued and killed.
type process struct {
	t       *testing.T
	name    string
	pid     int
	log     string // the file of its standard error
	changes chan syscall.WaitStatus
	reaping sync.WaitGroup
}

// start runs a worker until the test ends, if not before.
func start(t *testing.T, name, binary string, args, environ []string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(t.TempDir(), name+".log"), changes: make(chan syscall.WaitStatus, 16)}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
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

// reap tells what becomes of the process.
func (p *process) reap() {
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

// await waits until something becomes of the process.
func (p *process) await() syscall.WaitStatus {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case s, ok := <-p.changes:
		if !ok {
			p.t.Fatalf("worker %s is gone", p.name)
		}
		return s
	case <-limit.C:
		p.t.Fatalf("waited too long for worker %s", p.name)
		return 0
	}
}

// struck waits until the process dies or stops at a point, and checks that it
// was this one.
func (p *process) struck(point, action string) {
	p.t.Helper()
	s := p.await()
	if (action == "kill" && (!s.Signaled() || s.Signal() != syscall.SIGKILL)) || (action == "stop" && !s.Stopped()) {
		p.t.Fatalf("worker %s did not %s at %s: wait status %#x\n%s", p.name, action, point, s, p.output())
	}
	if want := "failpoint: " + point + " " + action + "\n"; !contains(p.output(), want) {
		p.t.Fatalf("worker %s did not come to %s\n%s", p.name, point, p.output())
	}
}

func (p *process) resume() { p.signal(syscall.SIGCONT) }

// finish ends the process as an orchestrator does, and waits for its good end.
func (p *process) finish() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if s := p.await(); !s.Exited() || s.ExitStatus() != 0 {
		p.t.Errorf("worker %s ended with wait status %#x\n%s", p.name, s, p.output())
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.pid, s); err != nil {
		p.t.Fatalf("signal worker %s: %v", p.name, err)
	}
}

// end makes sure that nothing is left of the process.
func (p *process) end() {
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

func (p *process) output() []byte {
	data, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

var serving = regexp.MustCompile(`msg="serving health and metrics".* address=(\S+)`)

// address is where the worker serves its metrics, empty before it does.
func (p *process) address() string {
	if m := serving.FindSubmatch(p.output()); m != nil {
		return string(m[1])
	}
	return ""
}

func contains(data []byte, text string) bool { return bytes.Contains(data, []byte(text)) }
