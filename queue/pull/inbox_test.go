package pull

import (
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestAnInboxStaysOpen that is opened in the moment in which it was to be closed:
// nothing would open it again, and all that it brings would be handed back.
func TestAnInboxStaysOpen(t *testing.T) {
	b := newInbox(nil, "acme", slog.New(slog.DiscardHandler), nil)
	for range 5 {
		b.markIdle()
		var both sync.WaitGroup
		b.mu.Lock()
		both.Go(b.closeIfIdle)
		untilUnfair()
		both.Go(b.open)
		untilUnfair()
		b.mu.Unlock()
		b.mu.Lock() // once more before both, so that they are served in turns from now on
		untilUnfair()
		b.mu.Unlock()
		both.Wait()
		if !b.isOpen {
			t.Fatal("it was closed after it was opened")
		}
	}
}

// untilUnfair lasts until a mutex goes from one to the next of those who wait
// for it, and no longer to a newcomer: a millisecond.
func untilUnfair() {
	for began := time.Now(); time.Since(began) < 2*time.Millisecond; {
		runtime.Gosched()
	}
}
