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
	// unknownsToOpen is how many unknowns in a row do: a provider that hangs
	// would turn every slot into a call that may have rung.
	unknownsToOpen = 3
	openFirst      = time.Second
	openMost       = 5 * time.Second
	// rampStart is how many calls may be in flight after the breaker closed;
	// each that goes well allows one more.
	rampStart = 2
)

// breaker stops an account's calls while the provider does not take them. It
// is a state machine over outcomes and time, with no clock and no goroutine of
// its own.
type breaker struct {
	refusals int // in a row
	unknowns int // in a row
	opened   int // how often in a row without a call that went well
	open     bool
	until    time.Time // when open: a probe may be made from then on
	// harmless asks for a GET that works before a real call is risked.
	harmless bool
	probing  bool // one real call is under way to find out
	ramp     int  // calls that may be in flight; 0 is without limit
}

// allow gives how many more calls may be begun with this many in flight, and if
// none, from when on it is worth asking again (zero: when something changes).
func (b *breaker) allow(now time.Time, inFlight, free int) (int, time.Time) {
	switch {
	case !b.open && b.ramp == 0:
		return free, time.Time{}
	case !b.open:
		return max(0, min(free, b.ramp-inFlight)), time.Time{}
	case now.Before(b.until):
		return 0, b.until
	case b.harmless || b.probing:
		return 0, time.Time{}
	default:
		return min(free, 1), time.Time{}
	}
}

// begin is told that a call is begun, and reports whether it is the probe.
func (b *breaker) begin() (probe bool) {
	if b.open {
		b.probing = true
	}
	return b.open
}

// abandon is told that the probe ended without a POST.
func (b *breaker) abandon() { b.probing = false }

// observe takes in what an attempt came to, and reports whether the breaker
// opened or closed by it.
func (b *breaker) observe(o call.Outcome, probe bool, now time.Time, limit int) (changed bool) {
	if probe {
		b.probing = false
	}
	switch {
	case o.Class == call.Unknown:
		b.unknowns++
		b.refusals = 0
		if b.unknowns >= unknownsToOpen || probe {
			return b.trip(now, true)
		}
	case o.Class == call.Refused && o.FeedsBreaker:
		b.refusals++
		b.unknowns = 0
		if b.refusals >= refusalsToOpen || probe {
			return b.trip(now, false)
		}
	case o.Class == call.Suspended || o.Unspent:
		// Says nothing of whether calls go through.
	default:
		return b.well(probe, limit)
	}
	return false
}

// trip opens the breaker. What was in flight when it opened adds nothing.
func (b *breaker) trip(now time.Time, harmless bool) bool {
	if b.open && now.Before(b.until) {
		return false
	}
	b.open, b.harmless, b.ramp = true, harmless, 0
	b.until = now.Add(doubling(openFirst, openMost, b.opened))
	b.opened++
	return true
}

// well takes in an answer that the provider gave as it should.
func (b *breaker) well(probe bool, limit int) bool {
	b.refusals, b.unknowns = 0, 0
	switch {
	case b.open && probe:
		b.open, b.harmless, b.opened, b.ramp = false, false, 0, rampStart
		return true
	case !b.open && b.ramp > 0:
		b.ramp++
		if b.ramp >= limit {
			b.ramp = 0
		}
	}
	return false
}

// harmlessProbed takes in what the GET came to.
func (b *breaker) harmlessProbed(ok bool, now time.Time) {
	if !b.open || !b.harmless {
		return
	}
	if ok {
		b.harmless = false
		return
	}
	b.until = now.Add(doubling(openFirst, openMost, b.opened))
	b.opened++
}
