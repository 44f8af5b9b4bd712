package dispatcher

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestHandsAreKept for the next work, whoever it is for, and nothing waits for
// one: what finds none free gets another.
func TestHandsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewGoroutinePool()
		before := runtime.NumGoroutine()
		round := func(n int) {
			t.Helper()
			begun, finish := make(chan struct{}, n), make(chan struct{})
			for range n {
				h.do(func() {
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
			t.Errorf("there are %d hands", n)
		}
		round(5)
		if n := runtime.NumGoroutine() - before; n != 5 {
			t.Errorf("there are %d hands", n)
		}
		<-time.After(2 * handIdle)
		if n := runtime.NumGoroutine() - before; n != 0 {
			t.Errorf("%d hands are kept with nothing to do", n)
		}
		round(1)
		h.Close()
		if n := runtime.NumGoroutine() - before; n != 0 {
			t.Errorf("%d hands are left", n)
		}
	})
}
