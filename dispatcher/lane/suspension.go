package lane

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

const (
	// initialSuspension and maxSuspension bound how long a suspension lasts that
	// no probe can lift, doubling in between.
	initialSuspension = time.Minute
	maxSuspension     = time.Hour
	// initialProbeDelay and maxProbeDelay bound the wait before a suspension is
	// probed.
	initialProbeDelay = time.Second
	maxProbeDelay     = time.Minute
	// flagRetryDelay is how long after a failure the flag is written again.
	flagRetryDelay = 10 * time.Second
)

// suspension stops an account whose calls fail for a cause of its own.
//
//	none ──► in force, its flag pending ──► in force ──► lifted ──► none
//	  ▲            │                           │            │  a call is placed
//	  └────────────┴── the flag is removed ────┴────────────┘
//
// A flag that is pending has been set here and not been read back: flags older
// than it say nothing about it.
type suspension struct {
	current     call.Suspension
	flagPending bool
	flagRetryAt time.Time // when to write the flag again; zero unless it is pending and that failed

	flag      call.Suspension // as last read
	lastSince time.Time       // of the last flag read that was in force

	probeAt    time.Time
	keyRotated bool // since the last probe
}

// setFlag sets what the control flag says.
func (s *suspension) setFlag(flag call.Suspension, now time.Time) {
	own := s.current
	s.current, s.flag = flag, flag
	if flag.InForce() {
		s.lastSince = flag.Since
	}
	takenOver := flag.InForce() && flag.Supersedes(own)
	if s.flagPending && flag.Since.Before(own.Since) && !takenOver {
		s.current = own
	} else {
		s.flagPending, s.flagRetryAt = false, time.Time{}
	}
	if !s.current.Since.Equal(own.Since) {
		s.probeAt = now.Add(probeDelay(s.current))
	}
}

// suspend stops the account ahead of its flag, and returns the flag to write.
// fresh is false if a suspension is in force that it does not supersede.
func (s *suspension) suspend(o call.Outcome, worker string, now time.Time) (own call.Suspension, fresh bool) {
	own = call.Suspension{
		Reason: o.Reason, Message: o.Message, Since: now.UTC(), Worker: worker,
		Times: s.current.Times,
	}
	if !s.current.InForce() {
		own.Times++
	}
	if o.Reason != call.Unauthorized {
		own.Until = now.Add(exponential(initialSuspension, maxSuspension, own.Times-1)).UTC()
	}
	if !own.Supersedes(s.current) {
		return s.current, false
	}
	s.current, s.flagPending, s.flagRetryAt = own, true, time.Time{}
	s.probeAt = now.Add(probeDelay(own))
	return own, true
}

// supersededBy ends a suspension whose flag was not written because another is in
// force. The lane adopts that one, in its present state: otherwise it would wait for
// a flag that never comes, after an operator has lifted the other.
func (s *suspension) supersededBy(own, held call.Suspension, now time.Time) bool {
	if !s.flagPending || !s.current.Since.Equal(own.Since) {
		return false
	}
	s.current, s.flagPending, s.flagRetryAt = held, false, time.Time{}
	if s.lastSince.Equal(held.Since) { // it has been read
		s.current = s.flag
	}
	s.probeAt = now.Add(probeDelay(s.current))
	return true
}

// scheduleFlagRetry sets when to write the flag again; zero if it is written.
func (s *suspension) scheduleFlagRetry(own call.Suspension, at time.Time) bool {
	if !s.flagPending || !s.current.Since.Equal(own.Since) || s.flagRetryAt.Equal(at) {
		return false
	}
	s.flagRetryAt = at
	return true
}

// endsAt returns when the suspension ends or is probed.
func (s *suspension) endsAt() time.Time {
	if until := s.current.Until; !until.IsZero() {
		return until
	}
	return s.probeAt
}

// nextAt returns when the prober has something to do about the suspension.
func (s *suspension) nextAt() time.Time {
	at := s.endsAt()
	if !s.flagRetryAt.IsZero() && s.flagRetryAt.Before(at) {
		at = s.flagRetryAt
	}
	return at
}

// due returns what the prober does about the suspension now.
func (s *suspension) due(now time.Time) step {
	switch {
	case !s.current.Until.IsZero() && !now.Before(s.current.Until):
		return stepLift
	case !s.flagRetryAt.IsZero() && !now.Before(s.flagRetryAt):
		return stepWriteFlag
	case !s.current.Until.IsZero(), now.Before(s.probeAt):
		return stepNone
	case s.keyRotated:
		s.keyRotated = false
		return stepProbeNewKey
	default:
		return stepProbeKey
	}
}

// postpone puts off the next step of this suspension. What failed was probed with
// the previous key, if the key has changed meanwhile.
func (s *suspension) postpone(own call.Suspension, at time.Time) {
	switch {
	case !s.current.InForce() || !s.current.Since.Equal(own.Since):
		// Another suspension came meanwhile, and has a time of its own.
	case !s.current.Until.IsZero():
		s.current.Until = at
	case !s.keyRotated:
		s.probeAt = at
	}
}

// rotateKey has the suspension probed at once, and reports whether it depends on
// the key.
func (s *suspension) rotateKey() bool {
	s.probeAt, s.keyRotated = time.Time{}, true
	return s.current.InForce() && s.current.Reason == call.Unauthorized
}

// lift ends this suspension; how many came in a row is kept.
func (s *suspension) lift(own call.Suspension) bool {
	if !s.current.Since.Equal(own.Since) {
		return false
	}
	s.current.Lifted = true
	return true
}

// onPlaced forgets a lifted suspension, and reports whether there was one: the
// next is the first in a row again.
func (s *suspension) onPlaced() bool {
	lifted := s.current.Lifted
	if lifted {
		s.current = call.Suspension{}
	}
	return lifted
}

// probeDelay is how long a suspension lasts before it is probed, whichever worker
// set it: where the probe passes and calls do not, workers would lift it for
// each other at once, for ever.
func probeDelay(s call.Suspension) time.Duration {
	return exponential(initialProbeDelay, maxProbeDelay, s.Times-1)
}

// exponential doubles from initial to limit with the number of times before.
func exponential(initial, limit time.Duration, times int) time.Duration {
	return min(initial<<min(max(times, 0), 16), limit)
}
