package dispatcher

import (
	"sync"
	"time"
)

// handIdle is how long a goroutine waits for more work before it ends.
const handIdle = 5 * time.Second

// hands are goroutines that handle one delivery after another. They are kept
// for the next one because handling goes deep: a goroutine of its own for each
// delivery would grow its stack anew every time. There are never more of them
// than deliveries at once.
type hands struct {
	once sync.Once
	work chan func()
	busy sync.WaitGroup // counts deliveries
	all  sync.WaitGroup // counts goroutines
	done chan struct{}
}

// do gives the work to a hand that is free, or to a new one.
func (h *hands) do(work func()) {
	h.once.Do(func() { h.work, h.done = make(chan func()), make(chan struct{}) })
	h.busy.Add(1)
	select {
	case h.work <- work:
	default:
		h.all.Go(func() { h.run(work) })
	}
}

func (h *hands) run(work func()) {
	idle := time.NewTimer(handIdle)
	defer idle.Stop()
	for {
		work()
		h.busy.Done()
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

// wait returns when all work is done and every hand has ended. Nothing may be
// given to them afterwards.
func (h *hands) wait() {
	h.busy.Wait()
	h.once.Do(func() { h.work, h.done = make(chan func()), make(chan struct{}) })
	close(h.done)
	h.all.Wait()
}
