package lane

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

const (
	// maxRefusals is how many refusals in a row that are about the provider's
	// health open the breaker.
	maxRefusals = 5
	// maxUnknowns is how many unknowns in a row about its health do: a provider
	// that hangs would turn every POST slot into a call that may have rung.
	maxUnknowns = 3
	// maxUnproven is how many attempts may prove nothing, each because of its own
	// call, without a placed one between them.
	maxUnproven = 10
	// initialBackoff and maxBackoff bound the time between two probes while the
	// breaker is open. With the jitter on top, a recovery is noticed within 7.5 s.
	initialBackoff = time.Second
	maxBackoff     = 5 * time.Second
	// maxAmbiguousBackoff bounds it after probes that may have rung: each of them
	// is a call that a person has to look into.
	maxAmbiguousBackoff = 30 * time.Second
	// peerProbeTimeout is how long the probe of another worker is waited for:
	// longer than a call takes to time out.
	peerProbeTimeout = 35 * time.Second
	// rampStart is how many calls may be in flight after the breaker closed; each
	// that succeeds allows one more.
	rampStart = 2
)

// breaker stops an account's calls while the provider does not take them. It is
// a state machine over outcomes and time; jitter is a random number from 0 to 1.
//
//	closed ──► open: waits ──► a harmless request probes ──► one real call probes
//	  ▲             ▲                    │ fails                    │        │
//	  │             └────────────────────┴───────── refused or ambiguous     │
//	  └── a ramp ◄─────────────────────────────────────────────── success ───┘
type breaker struct {
	refusals int // in a row
	unknowns int // in a row
	unproven int // since a call was placed

	open            bool
	since           time.Time   // it opened then
	cause           call.Reason // of the last outcome that was about the provider's health
	probeAt         time.Time   // while open: nothing is asked of the provider before
	reachable       bool        // while open: the provider answered, so one real call may probe
	activeProbe     probe       // that call, while it is under way
	lastProbe       probe
	failures        int // since it opened
	ambiguousProbes int // in a row
	rampLimit       int // calls that may be in flight; 0 is no limit
}

// probe numbers the calls that probe, as the breaker may close and open again
// while one of them is under way. 0 is none.
type probe uint64

// allow returns how many more calls may be begun with this many in flight.
func (b *breaker) allow(inFlight, free int) int {
	switch {
	case !b.open && b.rampLimit == 0:
		return free
	case !b.open:
		return max(0, min(free, b.rampLimit-inFlight))
	case b.reachable && b.activeProbe == 0:
		return min(free, 1)
	default:
		return 0
	}
}

// begin is called for every call that is begun, and makes it the probe if one is
// wanted.
func (b *breaker) begin() probe {
	if !b.open || !b.reachable || b.activeProbe != 0 {
		return 0
	}
	b.lastProbe++
	b.activeProbe = b.lastProbe
	return b.activeProbe
}

// admits is asked last before a call is claimed: what was pulled before the
// breaker opened is not dialled any more.
func (b *breaker) admits(p probe) bool { return !b.open || b.isActiveProbe(p) }

func (b *breaker) isActiveProbe(p probe) bool { return p != 0 && p == b.activeProbe }

// cancelProbe ends a probe that made no POST.
func (b *breaker) cancelProbe(p probe) {
	if b.isActiveProbe(p) {
		b.activeProbe = 0
	}
}

// nextReachability returns when to ask the provider whether it answers.
func (b *breaker) nextReachability() (at time.Time, waits bool) {
	return b.probeAt, b.open && !b.reachable && b.activeProbe == 0
}

// onReachability is called with whether the provider answered what it was asked
// at begun.
func (b *breaker) onReachability(ok bool, begun time.Time, jitter float64) {
	if _, waits := b.nextReachability(); !waits {
		return
	}
	b.reachable = ok
	if !ok {
		b.backOff(begun, maxBackoff, b.failures, jitter)
	}
}

// report is called with what an attempt came to, and returns what the other
// workers should know.
func (b *breaker) report(o call.Outcome, p probe, now time.Time, jitter float64, limit int) call.PeerEventKind {
	probes := b.isActiveProbe(p)
	b.cancelProbe(p)
	if o.IsAmbiguous() || o.FeedsBreaker {
		b.cause = o.Reason
	}
	exceeded := false
	switch {
	case o.IsAmbiguous() && !o.FeedsBreaker:
		b.unproven++
		exceeded = b.unproven >= maxUnproven
	case o.Class == call.Unknown:
		b.unknowns++
		b.refusals = 0
		exceeded = b.unknowns >= maxUnknowns
	case o.Class == call.Refused && o.FeedsBreaker:
		b.refusals++
		b.unknowns = 0
		if probes {
			b.ambiguousProbes = 0
			b.backOff(now, maxBackoff, b.failures, jitter)
			return call.ProbeRefused
		}
		exceeded = b.refusals >= maxRefusals
	case o.Class == call.Suspended || o.Unspent:
		return "" // it says nothing about whether calls go through
	default:
		return b.succeed(o, probes, limit)
	}
	if probes {
		b.backOffAmbiguous(now, jitter)
		return call.ProbeAmbiguous
	}
	if exceeded && !b.open { // what was in flight when it opened adds nothing
		*b = breaker{open: true, since: now, cause: b.cause, lastProbe: b.lastProbe}
		b.backOff(now, maxBackoff, 0, jitter)
	}
	return ""
}

// succeed closes the breaker after a probe, or raises the ramp.
func (b *breaker) succeed(o call.Outcome, probes bool, limit int) call.PeerEventKind {
	b.refusals, b.unknowns = 0, 0
	if o.Class == call.Placed {
		b.unproven = 0
	}
	switch {
	case probes:
		*b = breaker{rampLimit: rampStart, lastProbe: b.lastProbe}
		return call.ProbeSucceeded
	case !b.open && b.rampLimit > 0:
		if b.rampLimit++; b.rampLimit >= limit {
			b.rampLimit = 0
		}
	}
	return ""
}

// backOff puts the next probe off.
func (b *breaker) backOff(from time.Time, limit time.Duration, times int, jitter float64) {
	d := exponential(initialBackoff, limit, times)
	b.probeAt = from.Add(d + time.Duration(jitter*float64(d)/2))
	b.reachable = false
	b.failures++
}

// backOffAmbiguous puts it off after a probe that may have rung.
func (b *breaker) backOffAmbiguous(now time.Time, jitter float64) {
	b.ambiguousProbes++
	b.backOff(now, maxAmbiguousBackoff, b.failures+b.ambiguousProbes, jitter)
}

// onPeerEvent is called with what another worker found out. It may put off what
// this worker would ask, or end its waiting, but never opens the breaker: the
// other's network may be broken where this one's is not.
func (b *breaker) onPeerEvent(k call.PeerEventKind, now time.Time, jitter float64) {
	if !b.open || b.activeProbe != 0 && k != call.ProbeSucceeded {
		return
	}
	switch k {
	case call.ProbeStarted:
		b.probeAt, b.reachable = now.Add(peerProbeTimeout), false
	case call.ProbeRefused:
		b.backOff(now, maxBackoff, b.failures, jitter)
	case call.ProbeAmbiguous:
		b.backOffAmbiguous(now, jitter)
	case call.ProbeSucceeded:
		*b = breaker{rampLimit: rampStart, lastProbe: b.lastProbe}
	case call.Throttled:
	}
}
