package dispatcher

import (
	"errors"
	"time"

	"github.com/ringonce/ringonce/call"
)

// maxReserveFailures is how many reservations in a row may fail before the lane
// says that it stands still for that: a broker without a leader answers again soon.
const maxReserveFailures = 3

// status is what the lane is doing at this time, and why: what its metric, the
// worker's heartbeat and so the operator's commands say. The caller holds the
// lock.
func (l *Lane) status(now time.Time) call.LaneStatus {
	s := l.stops.Suspension
	switch {
	case l.stopping:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.ShuttingDown}
	case errors.Is(l.halted, ErrRecordsUnverified):
		return call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUnchecked}
	case l.halted != nil:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUntrusted}
	case !l.flagsKnown:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.FlagsUnknown}
	case l.stops.Pause != nil:
		return call.LaneStatus{State: call.LanePaused, Since: l.stops.Pause.Since}
	case l.stops.Suspended():
		return call.LaneStatus{State: call.LaneSuspended, Reason: s.Reason, Since: s.Since, Next: l.suspensionEnds()}
	case !l.linkageKnown && l.lookupsRefused:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.LookupsRefused}
	case !l.linkageKnown:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.NumbersUnknown}
	case l.breaker.open:
		return l.breaker.status()
	case now.Before(l.slowed):
		return call.LaneStatus{State: call.LaneThrottled, Reason: l.slowedFor, Next: l.slowed}
	case l.reserveFailed >= maxReserveFailures:
		return call.LaneStatus{State: call.LaneStopped, Reason: call.RateUnknown}
	default:
		return call.LaneStatus{State: call.LaneRunning}
	}
}

// status is what an open breaker is doing.
func (b *breaker) status() call.LaneStatus {
	if b.answers || b.probing != 0 {
		return call.LaneStatus{State: call.LaneProbing, Reason: b.cause, Since: b.since}
	}
	return call.LaneStatus{State: call.LaneOpen, Reason: b.cause, Since: b.since, Next: b.until}
}

// Status gives what the lane is doing and why, and since when.
func (l *Lane) Status() call.LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
	return l.told
}

// tell passes on what the lane is doing, if that has changed. The caller holds
// the lock.
func (l *Lane) tell() {
	now := l.cfg.Now()
	s := l.status(now)
	switch {
	case !s.Since.IsZero():
	case s.Same(l.told):
		s.Since = l.told.Since
	default:
		s.Since = now
	}
	if s == l.told {
		return
	}
	l.told = s
	l.cfg.Metrics.Lane(s.State)
	if l.cfg.OnChange != nil {
		l.cfg.OnChange()
	}
}
