package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

const (
	// checkInterval is how often CALL_RECORDS is compared with its high-water mark.
	checkInterval = 30 * time.Second
	// minCheckTimeout bounds a check at first: lanes may be waiting, and a broker
	// without a leader answers the next request, not this one. After each failure
	// the timeout doubles, up to maxCheckTimeout, for a broker that is slow.
	minCheckTimeout = 2 * time.Second
	maxCheckTimeout = 16 * time.Second
)

var errUnverified = fmt.Errorf("the connection to NATS was lost; %w", lane.ErrRecordsUnverified)

// rollbackMonitor halts all lanes while the stream of call records may have been
// rolled back, which every lost connection makes possible:
//
//	disconnected ──► connected ──► check ──► verified: lanes run
//	   halted          halted        └─────► fault: halted, until declared valid
type rollbackMonitor struct {
	log    *slog.Logger
	halt   func(error)                // halts every lane; nil lets them continue
	report func(...call.RecordsFault) // sets the metric

	recheck chan struct{} // holds a token when the next check is due at once

	mu           sync.Mutex
	down         bool                 // there is no connection
	fault        *rollback.FaultError // found by the last check, if any
	writeError   error                // why the records cannot be written
	payloadError error                // why the broker refuses large messages
	highWater    queue.HighWater
	records      *queue.Records
}

func newRollbackMonitor(log *slog.Logger, halt func(error), report func(...call.RecordsFault)) *rollbackMonitor {
	return &rollbackMonitor{log: log, halt: halt, report: report, recheck: make(chan struct{}, 1)}
}

// run checks the records at once and then regularly until ctx ends. A check that
// failed is retried soon: lanes may be waiting for it.
func (m *rollbackMonitor) run(ctx context.Context, b *broker) {
	delays := retry.NewBackoff(100*time.Millisecond, 5*time.Second)
	var throttle logThrottle
	if stop, err := rollback.OnUpdated(b.conn, m.trigger); err == nil {
		defer stop()
	}
	timeout := minCheckTimeout
	for {
		pause := checkInterval
		err := m.check(ctx, b, timeout)
		if ctx.Err() != nil {
			return
		}
		var fault *rollback.FaultError
		failed := err != nil && !errors.As(err, &fault)
		switch {
		case fault != nil:
			m.log.Error("not dialling: call records may be lost", "error", err)
		case failed && !m.disconnected() && throttle.allow():
			m.log.Error("cannot verify the call records", "error", err)
		}
		if failed {
			pause, timeout = delays.NextBackOff(), min(2*timeout, maxCheckTimeout)
		} else {
			timeout = minCheckTimeout
			delays.Reset()
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.recheck:
		}
		timer.Stop()
	}
}

// check merges what other workers know about the records, compares once, and
// halts the lanes or lets them continue. An error that proves nothing about the
// records leaves the lanes as they are.
func (m *rollbackMonitor) check(ctx context.Context, b *broker, timeout time.Duration) error {
	if err := b.gossip.WaitForPeers(ctx); errors.Is(err, rollback.ErrPeersMissing) {
		m.log.Warn("verifying call records without all peers", "error", err)
	} else if err != nil {
		return err
	}
	if err := b.conn.CheckMaxPayload(); err != nil {
		m.halt(err)
		m.setPayloadError(err)
		return err
	}
	m.setPayloadError(nil)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	highWater, err := rollback.Verify(ctx, b.records)
	var fault *rollback.FaultError
	if errors.As(err, &fault) {
		m.halt(err)
		m.setFault(fault)
		return err
	}
	if err != nil {
		return err
	}
	b.records.AdoptHighWater(highWater)
	m.setVerified(highWater, b.records)
	return nil
}

// setVerified lets the lanes continue, unless the connection was lost during the
// check.
func (m *rollbackMonitor) setVerified(highWater queue.HighWater, records *queue.Records) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.highWater, m.records, m.fault = highWater, records, nil
	m.reportFaults()
	if !m.down {
		m.halt(nil)
	}
}

// onRollback halts every lane until the next check.
func (m *rollbackMonitor) onRollback() {
	m.halt(queue.ErrRolledBack)
	m.trigger()
}

// onConnectionChange halts the lanes when the connection is lost: the next one
// may reach a broker with older files.
func (m *rollbackMonitor) onConnectionChange(up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = !up
	if up {
		m.trigger()
	} else {
		m.halt(errUnverified)
	}
}

// onHighWater merges the high-water mark of the control bucket, so that a
// declaration takes effect soon, and every worker knows what one has seen.
func (m *rollbackMonitor) onHighWater(stored queue.HighWater) {
	m.mu.Lock()
	changed, records := stored.Fault.Cause != "" && m.fault == nil || !stored.DeclaredAt.Equal(m.highWater.DeclaredAt), m.records
	m.mu.Unlock()
	if records != nil {
		records.MergeHighWater(stored)
	}
	if changed {
		m.trigger()
	}
}

// trigger requests a check at once.
func (m *rollbackMonitor) trigger() {
	select {
	case m.recheck <- struct{}{}:
	default:
	}
}

// recordDrift stores at the broker that a worker found the records with a wrong
// setting before it started: once the setting is corrected, no check finds it.
func (m *rollbackMonitor) recordDrift(ctx context.Context, conn *queue.Conn, drifts []queue.Drift) error {
	if !slices.ContainsFunc(drifts, func(d queue.Drift) bool {
		return d.Stream == queue.StreamRecords && d.Setting != "" && d.Impact != ""
	}) {
		return nil
	}
	_, err := rollback.Check(ctx, conn)
	var fault *rollback.FaultError
	if errors.As(err, &fault) {
		m.setFault(fault)
		return nil // the drifts say the same
	}
	return err
}

// epoch returns when the stream of records was created, and the time from which
// it is complete.
func (m *rollbackMonitor) epoch() (created, validFrom time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.highWater.Created, m.highWater.ValidFrom
}

// disconnected reports that there is no connection, which is logged elsewhere.
func (m *rollbackMonitor) disconnected() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.down
}

// faults lists why nothing is dialled although the broker is connected.
func (m *rollbackMonitor) faults() []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []error
	if m.fault != nil {
		found = append(found, m.fault)
	}
	if m.writeError != nil {
		found = append(found, m.writeError)
	}
	if m.payloadError != nil {
		found = append(found, m.payloadError)
	}
	return found
}

func (m *rollbackMonitor) setFault(fault *rollback.FaultError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
	m.reportFaults()
}

func (m *rollbackMonitor) setPayloadError(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.payloadError = err
}

// reportFaults sets the metric. The caller holds the lock.
func (m *rollbackMonitor) reportFaults() {
	var causes []call.RecordsFault
	if m.fault != nil {
		causes = append(causes, m.fault.Fault.Cause)
	}
	if m.writeError != nil {
		causes = append(causes, call.RecordsRefuseWrites)
	}
	m.report(causes...)
}
