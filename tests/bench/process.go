package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a role in a process of its own.
type process struct {
	cmd     *exec.Cmd
	address string
	exited  chan struct{} // closed when it has ended
}

// start runs a program, and waits for the line in which it says where it
// serves if it says so.
func start(ctx context.Context, announces bool, env []string, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if !announces {
		return p, p.run()
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start %s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	_, p.address, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p, nil
}

func (p *process) run() error {
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // how it ended shows in what it did
	}()
	return nil
}

// stop ends the process, and waits for that.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.exited
}

// used is the CPU time that the process has used so far: what its clock shows,
// which /proc has in hundredths of a second only.
func (p *process) used() time.Duration {
	var t unix.Timespec
	clock := int32(^p.cmd.Process.Pid<<3 | 2) // as clock_getcpuclockid makes it
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// peakMemory is the most memory that the process ever held, in MiB.
func (p *process) peakMemory() (float64, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("the system does not report the peak memory")
}
