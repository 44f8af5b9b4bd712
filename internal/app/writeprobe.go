package app

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/internal/retry"
)

// The records are probed for writes every writesInterval, with writesTimeout. Two
// failures in a row, writesRetryDelay apart, count: an election is over by then.
const (
	writesInterval   = 5 * time.Second
	writesTimeout    = 3 * time.Second
	writesRetryDelay = time.Second
)

// runWriteProbes checks until ctx ends whether the records can be written.
func (m *rollbackMonitor) runWriteProbes(ctx context.Context, b *broker) {
	failures := 0
	for {
		pause := writesInterval
		bounded, cancel := context.WithTimeout(ctx, writesTimeout)
		err := b.records.ProbeWrites(bounded)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case m.disconnected():
			failures = 0
		case err == nil:
			failures = 0
			m.setWriteError(nil)
		default:
			failures++
			pause = writesRetryDelay
			if failures > 1 {
				m.setWriteError(err)
			}
		}
		retry.Sleep(ctx, pause)
	}
}

// setWriteError sets why the records cannot be written; nil if they can.
func (m *rollbackMonitor) setWriteError(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writeError == nil && err != nil {
		m.log.Error("the call records cannot be written", "error", err)
	} else if m.writeError != nil && err == nil {
		m.log.Info("the call records can be written again")
	}
	m.writeError = err
	m.reportFaults()
}
