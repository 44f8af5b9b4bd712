package dispatcher

import (
	"sync"
	"time"
)

// handIdle is how long a goroutine waits for more work before it ends.
const handIdle = 5 * time.Second

// GoroutinePool are goroutines that handle one delivery after another, for every account
// of the process. They are kept for the next one because handling goes deep: a
// goroutine of its own for each delivery would grow its stack anew every time.
// There are never more of them than deliveries at once, and no account waits for
// one: what finds none free gets a new one.
type GoroutinePool struct {
	work chan func()
	all  sync.WaitGroup
	done chan struct{}
}

// NewGoroutinePool gives none yet; they come as they are needed.
func NewGoroutinePool() *GoroutinePool {
	return &GoroutinePool{work: make(chan func()), done: make(chan struct{})}
}

// do gives the work to a hand that is free, or to a new one.
func (h *GoroutinePool) do(work func()) {
	select {
	case h.work <- work:
	default:
		h.all.Go(func() { h.run(work) })
	}
}

func (h *GoroutinePool) run(work func()) {
	idle := time.NewTimer(handIdle)
	defer idle.Stop()
	for {
		work()
		idle.Reset(handIdle)
		select {
		case work = <-h.work:
		case <-idle.C:
			return
		case <-h.done:
			return
		}
	}
}

// Close returns when all work is done and every hand has ended. Nothing may be
// given to them afterwards.
func (h *GoroutinePool) Close() {
	close(h.done)
	h.all.Wait()
}
