package dispatcher

import (
	"sync"
	"time"
)

// idleTimeout is how long a goroutine waits for more work before it ends.
const idleTimeout = 5 * time.Second

// GoroutinePool keeps goroutines for the next delivery, for all accounts of the
// process: handling goes deep, and a new goroutine grows its stack again for
// every delivery. There are never more goroutines than deliveries at once, and no
// delivery waits for one.
type GoroutinePool struct {
	work chan func()
	all  sync.WaitGroup
	done chan struct{}
}

// NewGoroutinePool returns an empty pool.
func NewGoroutinePool() *GoroutinePool {
	return &GoroutinePool{work: make(chan func()), done: make(chan struct{})}
}

// start runs the work on an idle goroutine, or on a new one.
func (p *GoroutinePool) start(work func()) {
	select {
	case p.work <- work:
	default:
		p.all.Go(func() { p.run(work) })
	}
}

func (p *GoroutinePool) run(work func()) {
	idle := time.NewTimer(idleTimeout)
	defer idle.Stop()
	for {
		work()
		idle.Reset(idleTimeout)
		select {
		case work = <-p.work:
		case <-idle.C:
			return
		case <-p.done:
			return
		}
	}
}

// Close returns when all work is done and every goroutine has ended. Nothing may
// be started afterwards.
func (p *GoroutinePool) Close() {
	close(p.done)
	p.all.Wait()
}
