package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// Limits of the breaker.
const (
	// refusalsToOpen is how many refusals in a row that speak of the provider's
	// health stop an account.
	refusalsToOpen = 5
	// unknownsToOpen is how many unknowns in a row do that speak of it, too: a
	// provider that hangs would turn every slot into a call that may have rung.
	unknownsToOpen = 3
	// unprovenToOpen is how many attempts in a row may prove nothing, each
	// because of its own call, without a placed one between them.
	unprovenToOpen = 10
	// waitFirst and waitMost bound the time between two questions while the
	// breaker is open. With the jitter on top, a recovery is noticed within 7.5 s.
	waitFirst = time.Second
	waitMost  = 5 * time.Second
	// waitUnclear bounds it after probes that may have rung: each of them is a
	// call that a person has to look into.
	waitUnclear = 30 * time.Second
	// waitForPeer is how long the probe of another worker is waited for: longer
	// than a call takes to time out.
	waitForPeer = 35 * time.Second
	// rampStart is how many calls may be in flight after the breaker closed;
	// each that goes well allows one more.
	rampStart = 2
)

// breaker stops an account's calls while the provider does not take them. It
// is a state machine over outcomes and time, with no clock, no dice and no
// goroutine of its own.
//
//	closed ──► open: waits ──► asks something harmless ──► one real call probes
//	  ▲             ▲                    │ fails                 │        │
//	  │             └────────────────────┴───────── refused or unclear    │
//	  └── a ramp ◄────────────────────────────────────────────── well ────┘
type breaker struct {
	refusals int // in a row
	unknowns int // in a row
	unproven int // since a call was placed
	open     bool
	since    time.Time   // when: it opened then
	cause    call.Reason // what the last call came to that spoke of the provider's health
	until    time.Time   // when open: nothing is asked of the provider before
	answers  bool        // when open: the harmless question was answered, so one real call may probe
	probing  probe       // that call, while it is under way
	begun    probe       // the last one of them
	failures int         // since it opened
	unclear  int         // probes in a row that may have rung
	ramp     int         // calls that may be in flight; 0 is without limit
}

// probe is the number of a call that probes, by which it is told from those
// before it: the breaker may have closed and opened again meanwhile. 0 is none.
type probe uint64

// allow gives how many more calls may be begun with this many in flight.
func (b *breaker) allow(inFlight, free int) int {
	switch {
	case !b.open && b.ramp == 0:
		return free
	case !b.open:
		return max(0, min(free, b.ramp-inFlight))
	case b.answers && b.probing == 0:
		return min(free, 1)
	default:
		return 0
	}
}

// begin is told that a call is begun, and makes it the probe if one is wanted.
func (b *breaker) begin() probe {
	if !b.open || !b.answers || b.probing != 0 {
		return 0
	}
	b.begun++
	b.probing = b.begun
	return b.probing
}

// mayClaim is asked last before a call is claimed. What was pulled before the
// breaker opened is not dialled any more.
func (b *breaker) mayClaim(p probe) bool { return !b.open || b.awaits(p) }

// awaits reports whether this is the probe that is under way.
func (b *breaker) awaits(p probe) bool { return p != 0 && p == b.probing }

// abandon is told that a probe ended without a POST.
func (b *breaker) abandon(p probe) {
	if b.awaits(p) {
		b.probing = 0
	}
}

// asks reports whether the harmless question is to be asked, and from when on.
func (b *breaker) asks() (at time.Time, ok bool) {
	return b.until, b.open && !b.answers && b.probing == 0
}

// asked takes in what the harmless question came to that was begun then. luck,
// here and below, is a random number from 0 to 1.
func (b *breaker) asked(ok bool, begun time.Time, luck float64) {
	if _, asks := b.asks(); !asks {
		return
	}
	b.answers = ok
	if !ok {
		b.wait(begun, waitMost, b.failures, luck)
	}
}

// observe takes in what an attempt came to, and gives what the other workers
// should know.
func (b *breaker) observe(o call.Outcome, p probe, now time.Time, luck float64, limit int) call.PeerEventKind {
	probes := b.awaits(p)
	b.abandon(p)
	if o.IsAmbiguous() || o.FeedsBreaker {
		b.cause = o.Reason
	}
	switch {
	case o.IsAmbiguous() && !o.FeedsBreaker:
		b.unproven++
		if probes {
			b.unclear++
			b.wait(now, waitUnclear, b.failures+b.unclear, luck)
			return call.ProbeAmbiguous
		}
		if b.unproven >= unprovenToOpen {
			b.trip(now, luck)
		}
	case o.Class == call.Unknown:
		b.unknowns++
		b.refusals = 0
		if probes {
			b.unclear++
			b.wait(now, waitUnclear, b.failures+b.unclear, luck)
			return call.ProbeAmbiguous
		}
		if b.unknowns >= unknownsToOpen {
			b.trip(now, luck)
		}
	case o.Class == call.Refused && o.FeedsBreaker:
		b.refusals++
		b.unknowns = 0
		if probes {
			b.unclear = 0
			b.wait(now, waitMost, b.failures, luck)
			return call.ProbeRefused
		}
		if b.refusals >= refusalsToOpen {
			b.trip(now, luck)
		}
	case o.Class == call.Suspended || o.Unspent:
		// Says nothing of whether calls go through.
	default:
		b.refusals, b.unknowns = 0, 0
		if o.Class == call.Placed {
			b.unproven = 0
		}
		if probes {
			b.close()
			return call.ProbeSucceeded
		}
		b.climb(limit)
	}
	return ""
}

// trip opens the breaker. What was in flight when it opened adds nothing.
func (b *breaker) trip(now time.Time, luck float64) {
	if b.open {
		return
	}
	*b = breaker{open: true, since: now, cause: b.cause, begun: b.begun}
	b.wait(now, waitMost, 0, luck)
}

// wait puts the next question off.
func (b *breaker) wait(from time.Time, most time.Duration, times int, luck float64) {
	d := doubling(waitFirst, most, times)
	b.until = from.Add(d + time.Duration(luck*float64(d)/2))
	b.answers = false
	b.failures++
}

func (b *breaker) close() { *b = breaker{ramp: rampStart, begun: b.begun} }

func (b *breaker) climb(limit int) {
	if b.open || b.ramp == 0 {
		return
	}
	b.ramp++
	if b.ramp >= limit {
		b.ramp = 0
	}
}

// hear takes in what another worker found out. It can put off what this one
// would ask, and end its waiting, but never opens the breaker: the other's
// network may be broken where this one's is not.
func (b *breaker) hear(k call.PeerEventKind, now time.Time, luck float64) {
	if !b.open {
		return
	}
	switch k {
	case call.ProbeStarted:
		if b.probing == 0 {
			b.until, b.answers = now.Add(waitForPeer), false
		}
	case call.ProbeRefused:
		if b.probing == 0 {
			b.wait(now, waitMost, b.failures, luck)
		}
	case call.ProbeAmbiguous:
		if b.probing == 0 {
			b.unclear++
			b.wait(now, waitUnclear, b.failures+b.unclear, luck)
		}
	case call.ProbeSucceeded:
		b.close()
	case call.Throttled:
	}
}
