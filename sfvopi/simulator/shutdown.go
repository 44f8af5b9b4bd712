package simulator

import (
	"context"
	"sync"
	"time"
)

// lifecycle owns the goroutines of calls in flight, and releases held answers
// when the simulator closes.
type lifecycle struct {
	// closing is closed when Close begins: nothing is held back from then on.
	closing chan struct{}
	// aborted is cancelled when the time of Close for calls in flight is over.
	aborted context.Context
	abort   context.CancelFunc

	mu      sync.Mutex
	closed  bool
	pending sync.WaitGroup
}

func newLifecycle() *lifecycle {
	done, cancel := context.WithCancel(context.Background())
	return &lifecycle{closing: make(chan struct{}), aborted: done, abort: cancel}
}

// begin books one goroutine, unless the simulator is closing.
func (l *lifecycle) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.pending.Add(1)
	return true
}

func (l *lifecycle) end() { l.pending.Done() }

// release refuses new calls and releases every answer that is being held back.
func (l *lifecycle) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.closing)
	}
}

// close waits for the calls in flight until ctx is over, then breaks them off
// and waits for that.
func (l *lifecycle) close(ctx context.Context) error {
	l.release()
	finished := make(chan struct{})
	go func() {
		l.pending.Wait()
		close(finished)
	}()
	select {
	case <-finished:
		l.abort()
		return nil
	case <-ctx.Done():
		l.abort()
		<-finished
		return context.Cause(ctx)
	}
}

// hold waits for d, or for as long as the caller stays if d is negative. It
// reports whether the whole of d passed.
func (l *lifecycle) hold(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	var passed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
		return true
	case <-ctx.Done():
	case <-l.closing:
	}
	return false
}

// wait waits in a call under way until it is done; false means that the call is
// broken off.
func (l *lifecycle) wait(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-l.aborted.Done():
		return false
	}
}

// sleep passes time in a call under way; false means that it is broken off.
func (l *lifecycle) sleep(d time.Duration) bool {
	if d <= 0 {
		return l.aborted.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.aborted.Done():
		return false
	}
}
