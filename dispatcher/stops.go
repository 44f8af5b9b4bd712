package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// stopped reports whether nothing of the account may be dialled.
func (l *Lane) stopped() bool {
	return l.stopping || l.halted != nil || !l.flagsKnown || !l.linkageKnown ||
		l.stops.Pause != nil || l.stops.Suspended()
}

// SetBlocks tells the lane what the control flags say; nil if that is not known.
func (l *Lane) SetBlocks(stops *call.Blocks) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stopped, suspension, slowed := l.stopped(), l.stops.Suspension, l.slowed
	l.flagsKnown = stops != nil
	if stops != nil {
		own := l.stops.Suspension
		if stops.ResumeRevision != 0 && stops.ResumeRevision != l.stops.ResumeRevision {
			l.slowed = time.Time{}
		}
		l.stops, l.flag = *stops, stops.Suspension
		if stops.Suspended() {
			l.flagSince = stops.Suspension.Since
		}
		takenOver := stops.Suspended() && stops.Suspension.Supersedes(own)
		if l.unconfirmed && stops.Suspension.Since.Before(own.Since) && !takenOver {
			l.stops.Suspension = own
		} else {
			l.unconfirmed = false
		}
		if !l.stops.Suspension.Since.Equal(own.Since) {
			l.careAt = l.cfg.Now().Add(probeWait(l.stops.Suspension))
		}
	}
	// The flags of another account are no reason to take pulls back.
	if l.stopped() != stopped || l.stops.Suspension != suspension || !l.slowed.Equal(slowed) {
		l.announce()
	}
	l.tell()
}

// SetLinkageKnown tells the lane that the directory has been fetched. Before that
// no request can be decided: each would only be put off, again and again, by
// every worker that starts while the provider is down.
func (l *Lane) SetLinkageKnown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.linkageKnown {
		l.linkageKnown = true
		l.announce()
	}
}

// OnLookupFailed tells the lane that the directory could not be fetched, and whether
// the provider refused that: why a lane stands still that never knew a number.
func (l *Lane) OnLookupFailed(refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookupsRefused = refused
	l.tell()
}

// Halt stops the lane for a reason that holds for every account; nil lets it
// go on.
func (l *Lane) Halt(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	turned := (why == nil) != (l.halted == nil)
	l.halted = why
	if turned {
		l.announce()
	}
}

// Stop ends all permits for good: the worker shuts down.
func (l *Lane) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
	l.announce()
}

// slow pauses the account because the provider asked for it.
func (l *Lane) slow(until time.Time, why call.Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.slowed) {
		l.slowed, l.slowedFor = until, why
		l.announce()
	}
}

// CopyStateFrom has the lane begin with what another one of the account, which has
// ended, had learned of the provider: the pause that it asked for, unless an
// operator ended that since, and that it takes no calls.
func (l *Lane) CopyStateFrom(from *Lane) {
	from.mu.Lock()
	slowed, why, resumed, b := from.slowed, from.slowedFor, from.stops.ResumeRevision, from.breaker
	from.mu.Unlock()
	b.abandon(b.probing)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaker = b
	if l.stops.ResumeRevision == 0 { // what the flags say is not known yet, or it is long ago
		l.stops.ResumeRevision = resumed
	}
	if l.stops.ResumeRevision == resumed {
		l.slowed, l.slowedFor = slowed, why
	}
	l.announce()
}

// suspend stops the lane at once, ahead of the control flag, and gives the flag
// to be written. fresh is false if a suspension is in force that it does not
// supersede.
func (l *Lane) suspend(o call.Outcome, worker string, now time.Time) (s call.Suspension, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s = call.Suspension{
		Reason: o.Reason, Message: o.Message, Since: now.UTC(), Worker: worker,
		Times: l.stops.Suspension.Times,
	}
	if !l.stops.Suspended() {
		s.Times++
	}
	if o.Reason != call.Unauthorized {
		s.Until = now.Add(doubling(suspensionFirst, suspensionMost, s.Times-1)).UTC()
	}
	if !s.Supersedes(l.stops.Suspension) {
		return l.stops.Suspension, false
	}
	l.stops.Suspension, l.unconfirmed, l.flagAt = s, true, time.Time{}
	l.careAt = now.Add(probeWait(s))
	l.announce()
	return s, true
}

// outdone is told that no flag was written for the lane's own suspension, because
// another one is in force: the lane goes by that one, and by what has become of
// it since. Else it would wait for a flag that never comes, past the operator who
// lifts the other.
func (l *Lane) outdone(own, held call.Suspension) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.unconfirmed || !l.stops.Suspension.Since.Equal(own.Since) {
		return
	}
	l.unconfirmed = false
	l.stops.Suspension = held
	if l.flagSince.Equal(held.Since) { // it was heard of
		l.stops.Suspension = l.flag
	}
	l.careAt = l.cfg.Now().Add(probeWait(l.stops.Suspension))
	l.announce()
	l.tell()
}

// Suspension gives the suspension in force, if there is one.
func (l *Lane) Suspension() (call.Suspension, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stops.Suspension, l.stops.Suspended()
}

// lifted ends the suspension here; the flag for the others is written first.
func (l *Lane) lifted(s call.Suspension) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stops.Suspension.Since.Equal(s.Since) {
		l.stops.Suspension.Lifted = true
		l.announce()
	}
}

// placed is told that a call went through, and reports whether a lifted
// suspension is thereby over: the next one is the first in a row again.
func (l *Lane) placed() (over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	over = l.stops.Suspension.Lifted
	if over {
		l.stops.Suspension = call.Suspension{}
	}
	return over
}
