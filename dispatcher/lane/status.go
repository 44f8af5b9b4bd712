package lane

import (
	"errors"
	"time"

	"github.com/ringonce/ringonce/call"
)

// maxReserveFailures is how many reservations in a row fail before the status
// says so: a broker without a leader soon answers again.
const maxReserveFailures = 3

// Status returns what the lane is doing, why and since when. The lane's metric,
// the worker's heartbeat and the operator's commands show it.
func (l *Lane) Status() call.LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reportStatus()
	return l.status
}

// reportStatus updates the status, and reports a change to the metric and to
// OnChange. The caller holds the lock.
func (l *Lane) reportStatus() {
	now := l.cfg.Now()
	s := l.currentStatus(now)
	switch {
	case !s.Since.IsZero():
	case s.Same(l.status):
		s.Since = l.status.Since
	default:
		s.Since = now
	}
	if s == l.status {
		return
	}
	l.status = s
	l.cfg.Metrics.Lane(s.State)
	if l.cfg.OnChange != nil {
		l.cfg.OnChange()
	}
}

// currentStatus returns, of several causes, the one that an operator has to know.
// The caller holds the lock.
func (l *Lane) currentStatus(now time.Time) call.LaneStatus {
	b, s := &l.blocks, &l.suspension
	switch {
	case b.stopping:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.ShuttingDown}
	case errors.Is(b.halted, ErrRecordsUnverified):
		return call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUnchecked}
	case b.halted != nil:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUntrusted}
	case !b.flagsKnown:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.FlagsUnknown}
	case b.pause != nil:
		return call.LaneStatus{State: call.LanePaused, Since: b.pause.Since}
	case s.current.InForce():
		return call.LaneStatus{State: call.LaneSuspended, Reason: s.current.Reason, Since: s.current.Since, Next: s.endsAt()}
	case !b.linkageKnown && b.lookupsRefused:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.LookupsRefused}
	case !b.linkageKnown:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.NumbersUnknown}
	case l.breaker.open:
		return l.breaker.status()
	case b.throttled(now):
		return call.LaneStatus{State: call.LaneThrottled, Reason: b.throttleReason, Next: b.throttledUntil}
	case l.pacer.failures >= maxReserveFailures:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.RateUnknown}
	default:
		return call.LaneStatus{State: call.LaneRunning}
	}
}

// status returns what an open breaker is doing.
func (b *breaker) status() call.LaneStatus {
	if b.reachable || b.activeProbe != 0 {
		return call.LaneStatus{State: call.LaneProbing, Reason: b.cause, Since: b.since}
	}
	return call.LaneStatus{State: call.LaneOpen, Reason: b.cause, Since: b.since, Next: b.probeAt}
}
