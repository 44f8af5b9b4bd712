package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/queue"
)

const (
	// checkInterval is how often CALL_RECORDS is compared with what is remembered
	// of it.
	checkInterval = 30 * time.Second
	// minCheckTimeout bounds one comparison at first: the lanes may be waiting for it,
	// and a broker without a leader answers the next question, not this one. One
	// that is only slow is given more each time, up to checkMost.
	minCheckTimeout = 2 * time.Second
	maxCheckTimeout = 16 * time.Second
	// Whether the records take writes is asked every writesInterval, with
	// writesTimeout. That they do not is said when they did not twice in a row,
	// writesRetryDelay apart: an election is over by then.
	writesInterval   = 5 * time.Second
	writesTimeout    = 3 * time.Second
	writesRetryDelay = time.Second
)

var errUnverified = fmt.Errorf("the connection to NATS was lost; %w", lane.ErrRecordsUnverified)

// rollbackMonitor watches over the stream of call records: while it may have gone back
// in time, nothing is dialled. It may have whenever the connection was lost.
type rollbackMonitor struct {
	log    *slog.Logger
	halt   func(error)                // tells every lane
	report func(...call.RecordsFault) // sets the metric: these hold, and no others

	recheck chan struct{} // holds a token when there is a reason to check at once

	mu           sync.Mutex
	down         bool              // without a connection
	fault        *queue.FaultError // what the last check found, if anything
	writeError   error             // why it takes no writes
	payloadError error             // why the broker takes no large messages
	highWater    queue.HighWater
	records      *queue.Records
}

func newRollbackMonitor(log *slog.Logger, halt func(error), faulted func(...call.RecordsFault)) *rollbackMonitor {
	return &rollbackMonitor{log: log, halt: halt, report: faulted, recheck: make(chan struct{}, 1)}
}

// faults lists why nothing is dialled although the broker is there.
func (l *rollbackMonitor) faults() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []error
	if l.fault != nil {
		found = append(found, l.fault)
	}
	if l.writeError != nil {
		found = append(found, l.writeError)
	}
	if l.payloadError != nil {
		found = append(found, l.payloadError)
	}
	return found
}

// setFault takes in what a check came to: nil if the records hold.
func (l *rollbackMonitor) setFault(fault *queue.FaultError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
	l.reportFaults()
}

// recordDrift has it written down that the records were found with a wrong setting by
// a worker that has not begun to work: mended, they would look well to the next.
func (l *rollbackMonitor) recordDrift(ctx context.Context, conn *queue.Conn, differences []queue.Drift) error {
	if !slices.ContainsFunc(differences, func(d queue.Drift) bool {
		return d.Stream == queue.StreamRecords && d.Setting != "" && d.Impact != ""
	}) {
		return nil
	}
	_, err := conn.CheckHighWater(ctx)
	var fault *queue.FaultError
	if errors.As(err, &fault) {
		l.setFault(fault)
		return nil // it says no more than the differences
	}
	return err
}

// setWriteError takes in why the records take no writes; nil if they do.
func (l *rollbackMonitor) setWriteError(refuses error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.writeError != nil; !was && refuses != nil {
		l.log.Error("the call records take no writes", "error", refuses)
	} else if was && refuses == nil {
		l.log.Info("the call records take writes again")
	}
	l.writeError = refuses
	l.reportFaults()
}

// setPayloadError takes in why the broker takes no large messages; nil if it does.
func (l *rollbackMonitor) setPayloadError(small error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payloadError = small
}

// reportFaults sets the metric. The lock is held.
func (l *rollbackMonitor) reportFaults() {
	var causes []call.RecordsFault
	if l.fault != nil {
		causes = append(causes, l.fault.Fault.Cause)
	}
	if l.writeError != nil {
		causes = append(causes, call.RecordsRefuseWrites)
	}
	l.report(causes...)
}

// epoch is when the present ledger began and from when it is complete.
func (l *rollbackMonitor) epoch() (created, validFrom time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.highWater.Created, l.highWater.ValidFrom
}

// onRollback stops every lane until the next check has looked.
func (l *rollbackMonitor) onRollback() {
	l.halt(queue.ErrRolledBack)
	l.trigger()
}

// trigger asks for a check at once.
func (l *rollbackMonitor) trigger() {
	select {
	case l.recheck <- struct{}{}:
	default:
	}
}

// onConnectionChange is told when the connection comes and goes. Behind the next one may
// be a broker with older files.
func (l *rollbackMonitor) onConnectionChange(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = !up
	if up {
		l.trigger()
	} else {
		l.halt(errUnverified)
	}
}

// disconnected tells that there is no connection, which is said elsewhere.
func (l *rollbackMonitor) disconnected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

// onHighWater is told what the control bucket says of the ledger: nobody waits long
// for a declaration to be noticed, and what one worker saw all of them know.
func (l *rollbackMonitor) onHighWater(said queue.HighWater) {
	l.mu.Lock()
	news, records := said.Fault.Cause != "" && l.fault == nil || !said.DeclaredAt.Equal(l.highWater.DeclaredAt), l.records
	l.mu.Unlock()
	if records != nil {
		records.MergeHighWater(said)
	}
	if news {
		l.trigger()
	}
}

// check hears whoever else knows the records, compares once, and opens or halts
// the lanes by what it finds. An error that says nothing about the records leaves
// the lanes as they are.
func (l *rollbackMonitor) check(ctx context.Context, b *broker, within time.Duration) error {
	if err := b.gossip.WaitForPeers(ctx); errors.Is(err, queue.ErrPeersMissing) {
		l.log.Warn("the call records are checked without some who may know them", "why", err)
	} else if err != nil {
		return err
	}
	if err := b.conn.CheckMaxPayload(); err != nil {
		l.halt(err)
		l.setPayloadError(err)
		return err
	}
	l.setPayloadError(nil)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	valid, err := b.records.Verify(ctx)
	var fault *queue.FaultError
	if errors.As(err, &fault) {
		l.halt(err)
		l.setFault(fault)
		return err
	}
	if err != nil {
		return err
	}
	b.records.AdoptHighWater(valid)
	l.setVerified(valid, b.records)
	return nil
}

// setVerified opens the lanes, unless the connection was lost while the records were
// checked.
func (l *rollbackMonitor) setVerified(valid queue.HighWater, records *queue.Records) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.highWater, l.records, l.fault = valid, records, nil
	l.reportFaults()
	if !l.down {
		l.halt(nil)
	}
}

// run checks at once, and then now and again until ctx ends. A check that could
// not be made is made again soon: lanes may be waiting for it.
func (l *rollbackMonitor) run(ctx context.Context, b *broker) {
	failures := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
	var loud logThrottle
	if stop, err := b.conn.OnRecordsUpdated(l.trigger); err == nil {
		defer stop()
	}
	within := minCheckTimeout
	for {
		again := checkInterval
		err := l.check(ctx, b, within)
		if ctx.Err() != nil {
			return
		}
		var fault *queue.FaultError
		unknown := err != nil && !errors.As(err, &fault)
		switch {
		case fault != nil:
			l.log.Error("nothing is dialled: the call records may have forgotten calls", "error", err)
		case unknown && !l.disconnected() && loud.allow():
			l.log.Error("checking the call records failed", "error", err)
		}
		if unknown {
			again, within = failures.NextBackOff(), min(2*within, maxCheckTimeout)
		} else {
			within = minCheckTimeout
			failures.Reset()
		}
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-l.recheck:
		}
		timer.Stop()
	}
}

// runWriteProbes asks now and again, until ctx ends, whether the records take writes.
func (l *rollbackMonitor) runWriteProbes(ctx context.Context, b *broker) {
	failures := 0
	for {
		pause := writesInterval
		bounded, cancel := context.WithTimeout(ctx, writesTimeout)
		err := b.records.ProbeWrites(bounded)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case l.disconnected():
			failures = 0 // said elsewhere
		case err == nil:
			failures = 0
			l.setWriteError(nil)
		default:
			failures++
			pause = writesRetryDelay
			if failures > 1 {
				l.setWriteError(err)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
