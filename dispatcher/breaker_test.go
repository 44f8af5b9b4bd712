package dispatcher

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var (
	wellOutcome    = call.Outcome{Class: call.Placed, Reason: call.Accepted}
	sickOutcome    = call.Outcome{Class: call.Refused, Reason: call.ServiceUnavailable, FeedsBreaker: true}
	unknownOutcome = call.Outcome{Class: call.Unknown, Reason: call.TimedOut}
)

const limit = 8

// observes lets attempts that are no probes come to these outcomes.
func (b *breaker) observes(now time.Time, outcomes ...call.Outcome) {
	for _, o := range outcomes {
		b.observe(o, false, now, limit)
	}
}

// probes lets the one real call come to this outcome.
func (b *breaker) probes(t *testing.T, now time.Time, o call.Outcome) {
	t.Helper()
	if n, _ := b.allow(now, 0, limit); n != 1 {
		t.Fatalf("%d calls may be begun where one is to probe", n)
	}
	if !b.begin() {
		t.Fatal("the call is no probe")
	}
	if n, _ := b.allow(now, 1, limit); n != 0 {
		t.Errorf("%d more calls may be begun while one probes", n)
	}
	b.observe(o, true, now, limit)
}

func (b *breaker) allows(t *testing.T, now time.Time, inFlight, want int, wantAgain time.Time) {
	t.Helper()
	if n, again := b.allow(now, inFlight, limit-inFlight); n != want || !again.Equal(wantAgain) {
		t.Errorf("with %d in flight: %d may be begun, again at %s; want %d, %s", inFlight, n, again, want, wantAgain)
	}
}

func TestRefusalsInARowOpenTheBreaker(t *testing.T) {
	var b breaker
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	b.allows(t, noon, 0, limit, time.Time{})
	b.observes(noon, wellOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	b.allows(t, noon, 0, limit, time.Time{})
	b.observes(noon, sickOutcome)
	b.allows(t, noon, 0, 0, noon.Add(time.Second))
	b.allows(t, noon.Add(time.Second), 0, 1, time.Time{})
}

func TestWhatSaysNothingOfTheProvidersHealth(t *testing.T) {
	for _, o := range []call.Outcome{
		{Class: call.Suspended, Reason: call.Unauthorized},
		{Class: call.Refused, Reason: call.Interrupted, Unspent: true},
		{Class: call.Refused, Reason: call.RateLimited, Unspent: true, SlowsAccount: true},
	} {
		var b breaker
		b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, o, sickOutcome)
		b.allows(t, noon, 0, 0, noon.Add(time.Second))
	}
	for _, o := range []call.Outcome{
		wellOutcome,
		{Class: call.Rejected, Reason: call.InvalidRequest},
		{Class: call.Refused, Reason: call.InitiateFailed},
	} {
		var b breaker
		b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, o, sickOutcome)
		b.allows(t, noon, 0, limit, time.Time{})
	}
}

// TestUnknownsAskForTheHarmlessProbeFirst opens by three unknowns in a row.
func TestUnknownsAskForTheHarmlessProbeFirst(t *testing.T) {
	var b breaker
	b.observes(noon, unknownOutcome, unknownOutcome, sickOutcome, unknownOutcome, unknownOutcome)
	b.allows(t, noon, 0, limit, time.Time{})
	b.observes(noon, unknownOutcome)
	b.allows(t, noon, 0, 0, noon.Add(time.Second))
	later := noon.Add(time.Second)
	b.allows(t, later, 0, 0, time.Time{})
	b.harmlessProbed(false, later)
	b.allows(t, later, 0, 0, later.Add(2*time.Second))
	later = later.Add(2 * time.Second)
	b.allows(t, later, 0, 0, time.Time{})
	b.harmlessProbed(true, later)
	b.probes(t, later, unknownOutcome)
	b.allows(t, later, 0, 0, later.Add(4*time.Second))
	later = later.Add(4 * time.Second)
	b.harmlessProbed(true, later)
	b.probes(t, later, wellOutcome)
	b.allows(t, later, 0, rampStart, time.Time{})
}

func TestTheDelayGrowsUntilAProbeGoesWell(t *testing.T) {
	var b breaker
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	now := noon.Add(time.Second)
	for _, wait := range []time.Duration{2 * time.Second, 4 * time.Second, openMost, openMost} {
		b.probes(t, now, sickOutcome)
		b.allows(t, now, 0, 0, now.Add(wait))
		now = now.Add(wait)
	}
	b.probes(t, now, wellOutcome)
	b.observes(now, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	b.allows(t, now, 0, 0, now.Add(openFirst))
}

// TestWhatWasInFlightAddsNothing lets calls begun before fail after the breaker
// opened.
func TestWhatWasInFlightAddsNothing(t *testing.T) {
	var b breaker
	for range 20 {
		b.observes(noon, sickOutcome)
	}
	b.allows(t, noon, 0, 0, noon.Add(time.Second))
	b.observes(noon, wellOutcome)
	b.allows(t, noon, 0, 0, noon.Add(time.Second))
}

func TestAProbeThatWasNotMadeLeavesRoomForTheNext(t *testing.T) {
	var b breaker
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	now := noon.Add(time.Second)
	b.begin()
	b.allows(t, now, 1, 0, time.Time{})
	b.abandon()
	b.allows(t, now, 0, 1, time.Time{})
}

// TestTheRamp grows by one with every call that goes well, up to no limit.
func TestTheRamp(t *testing.T) {
	var b breaker
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	now := noon.Add(time.Second)
	b.probes(t, now, wellOutcome)
	for n := rampStart; n < limit; n++ {
		b.allows(t, now, 0, n, time.Time{})
		b.allows(t, now, n, 0, time.Time{})
		b.observes(now, wellOutcome)
	}
	b.allows(t, now, 0, limit, time.Time{})
}
