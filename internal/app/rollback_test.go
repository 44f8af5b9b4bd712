package app

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// TestCheckThatOutlivesItsConnection opens no lane: behind the next connection may
// be a broker with older files.
func TestCheckThatOutlivesItsConnection(t *testing.T) {
	var halted error
	l := newRollbackMonitor(slog.New(slog.DiscardHandler), func(why error) { halted = why }, func(...call.RecordsFault) {})
	l.setVerified(queue.HighWater{}, nil)
	if halted != nil {
		t.Fatalf("a check that found nothing leaves %v", halted)
	}
	l.onConnectionChange(false)
	l.setVerified(queue.HighWater{}, nil)
	if !errors.Is(halted, errUnverified) {
		t.Errorf("without a connection it leaves %v", halted)
	}
	l.onConnectionChange(true)
	l.setVerified(queue.HighWater{}, nil)
	if halted != nil {
		t.Errorf("over the next connection it leaves %v", halted)
	}
}
