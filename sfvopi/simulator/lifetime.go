package simulator

import (
	"context"
	"sync"
	"time"
)

// lifetime owns the goroutines of calls under way, and lets waiting answers go
// when the simulator closes.
type lifetime struct {
	// closing is closed when Close begins: nothing is held back from then on.
	closing chan struct{}
	// done is cancelled when Close has no more patience with calls under way.
	done   context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	pending sync.WaitGroup
}

func newLifetime() *lifetime {
	done, cancel := context.WithCancel(context.Background())
	return &lifetime{closing: make(chan struct{}), done: done, cancel: cancel}
}

// begin books one goroutine, unless the simulator is closing.
func (l *lifetime) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.pending.Add(1)
	return true
}

func (l *lifetime) end() { l.pending.Done() }

// letGo refuses new calls and releases every answer that is being held back.
func (l *lifetime) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.closing)
	}
}

// close waits for the calls under way until ctx is over, then breaks them off
// and waits for that.
func (l *lifetime) close(ctx context.Context) error {
	l.letGo()
	finished := make(chan struct{})
	go func() {
		l.pending.Wait()
		close(finished)
	}()
	select {
	case <-finished:
		l.cancel()
		return nil
	case <-ctx.Done():
		l.cancel()
		<-finished
		return context.Cause(ctx)
	}
}

// hold waits for d, or for as long as the caller stays if d is negative. It
// tells whether the whole of d passed.
func (l *lifetime) hold(ctx context.Context, d time.Duration) bool {
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

// sleep passes time in a call under way; false means that it is broken off.
func (l *lifetime) sleep(d time.Duration) bool {
	if d <= 0 {
		return l.done.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done.Done():
		return false
	}
}
