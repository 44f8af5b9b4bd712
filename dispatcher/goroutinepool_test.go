package dispatcher

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestGoroutinesAreKept for the next work, for any account, and nothing waits for
// one: without an idle one a new one starts.
func TestGoroutinesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := NewGoroutinePool()
		before := runtime.NumGoroutine()
		round := func(n int) {
			t.Helper()
			begun, finish := make(chan struct{}, n), make(chan struct{})
			for range n {
				pool.start(func() {
					begun <- struct{}{}
					<-finish
				})
			}
			synctest.Wait()
			if len(begun) != n {
				t.Errorf("%d of %d were begun", len(begun), n)
			}
			close(finish)
			synctest.Wait()
		}
		round(3)
		round(2)
		if n := runtime.NumGoroutine() - before; n != 3 {
			t.Errorf("there are %d goroutines", n)
		}
		round(5)
		if n := runtime.NumGoroutine() - before; n != 5 {
			t.Errorf("there are %d goroutines", n)
		}
		<-time.After(2 * idleTimeout)
		if n := runtime.NumGoroutine() - before; n != 0 {
			t.Errorf("%d goroutines are kept with nothing to do", n)
		}
		round(1)
		pool.Close()
		if n := runtime.NumGoroutine() - before; n != 0 {
			t.Errorf("%d goroutines are left", n)
		}
	})
}
