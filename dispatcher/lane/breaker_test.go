package lane

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var (
	wellOutcome    = call.Outcome{Class: call.Placed, Reason: call.Accepted}
	sickOutcome    = call.Outcome{Class: call.Refused, Reason: call.ServiceUnavailable, FeedsBreaker: true}
	unknownOutcome = call.Outcome{Class: call.Unknown, Reason: call.TimedOut, FeedsBreaker: true}
	// unprovenOutcome speaks of its own call alone.
	unprovenOutcome = call.Outcome{Class: call.Unknown, Reason: call.Ambiguous}
)

const limit = 8

// observes lets attempts that are no probes come to these outcomes.
func (b *breaker) observes(now time.Time, outcomes ...call.Outcome) {
	for _, o := range outcomes {
		b.report(o, 0, now, 0, limit)
	}
}

// opened returns a breaker that refusals opened at noon, without jitter.
func opened() *breaker {
	b := &breaker{}
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	return b
}

// answered has the provider answer at the time at which it is asked, and returns that.
func (b *breaker) answered(t *testing.T) time.Time {
	t.Helper()
	at, waits := b.nextReachability()
	if !waits {
		t.Fatal("nothing is asked")
	}
	b.onReachability(true, at, 0)
	return at
}

// probes lets the one real call come to this outcome.
func (b *breaker) probes(t *testing.T, now time.Time, o call.Outcome, want call.PeerEventKind) {
	t.Helper()
	b.allows(t, 0, 1)
	if b.admits(0) {
		t.Error("a call that does not probe may be claimed")
	}
	probe := b.begin()
	if probe == 0 || !b.admits(probe) {
		t.Fatal("the call is no probe")
	}
	b.allows(t, 1, 0)
	if b.begin() != 0 {
		t.Error("a second call probes")
	}
	if event := b.report(o, probe, now, 0, limit); event != want {
		t.Errorf("the other workers are notified of %q, want %q", event, want)
	}
}

func (b *breaker) allows(t *testing.T, inFlight, want int) {
	t.Helper()
	if n := b.allow(inFlight, limit-inFlight); n != want {
		t.Errorf("with %d in flight %d may be begun, want %d", inFlight, n, want)
	}
}

// waits checks how long after from nothing is asked of the provider.
func (b *breaker) waits(t *testing.T, from time.Time, want time.Duration) {
	t.Helper()
	b.allows(t, 0, 0)
	if at, waits := b.nextReachability(); !waits || at.Sub(from) != want {
		t.Errorf("waits: %t, for %s; want %s", waits, at.Sub(from), want)
	}
}

func TestRefusalsInARowOpenTheBreaker(t *testing.T) {
	var b breaker
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	b.allows(t, 0, limit)
	b.observes(noon, wellOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	b.allows(t, 0, limit)
	b.observes(noon, sickOutcome)
	b.waits(t, noon, initialBackoff)
	b.answered(t)
	b.allows(t, 0, 1)
}

func TestWhatSaysNothingOfTheProvidersHealth(t *testing.T) {
	for _, o := range []call.Outcome{
		{Class: call.Suspended, Reason: call.Unauthorized},
		{Class: call.Refused, Reason: call.Interrupted, Unspent: true},
		{Class: call.Refused, Reason: call.RateLimited, Unspent: true, ThrottlesAccount: true},
	} {
		var b breaker
		b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, o, sickOutcome)
		b.waits(t, noon, initialBackoff)
	}
	for _, o := range []call.Outcome{
		wellOutcome,
		{Class: call.Rejected, Reason: call.InvalidRequest},
		{Class: call.Refused, Reason: call.InitiateFailed},
	} {
		var b breaker
		b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, o, sickOutcome)
		b.allows(t, 0, limit)
	}
}

// TestWhatProvesNothingOfOneCallOpensTheBreakerByTen in a row without a placed
// call, under either setting of provider.ambiguous. As a probe it is unclear.
func TestWhatProvesNothingOfOneCallOpensTheBreakerByTen(t *testing.T) {
	retried := unprovenOutcome
	retried.Class = call.Refused
	rejected := call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest}
	for _, o := range []call.Outcome{unprovenOutcome, retried} {
		var b breaker
		for range maxUnproven - 1 {
			b.observes(noon, o)
		}
		b.observes(noon, wellOutcome)
		for range maxUnproven - 1 {
			b.observes(noon, o, rejected)
		}
		b.allows(t, 0, limit)
		b.observes(noon, o)
		b.waits(t, noon, initialBackoff)
		at := b.answered(t)
		b.probes(t, at, o, call.ProbeAmbiguous)
		b.waits(t, at, 4*initialBackoff)
	}
}

// TestUnknownsInARowOpenTheBreaker by three.
func TestUnknownsInARowOpenTheBreaker(t *testing.T) {
	var b breaker
	b.observes(noon, unknownOutcome, unknownOutcome, sickOutcome, unknownOutcome, unknownOutcome)
	b.allows(t, 0, limit)
	b.observes(noon, unknownOutcome)
	b.waits(t, noon, initialBackoff)
}

// TestNoCallIsRiskedBeforeAnAnswer has the provider answer nothing.
func TestNoCallIsRiskedBeforeAnAnswer(t *testing.T) {
	b := opened()
	now := noon.Add(initialBackoff)
	for _, wait := range []time.Duration{2 * time.Second, 4 * time.Second, maxBackoff, maxBackoff, maxBackoff} {
		b.onReachability(false, now, 0)
		b.waits(t, now, wait)
		now = now.Add(wait)
	}
	b.probes(t, b.answered(t), wellOutcome, call.ProbeSucceeded)
	b.allows(t, 0, rampStart)
}

// TestRefusedProbesComeEveryFewSeconds and no more often.
func TestRefusedProbesComeEveryFewSeconds(t *testing.T) {
	b := opened()
	for _, wait := range []time.Duration{2 * time.Second, 4 * time.Second, maxBackoff, maxBackoff, maxBackoff} {
		now := b.answered(t)
		b.probes(t, now, sickOutcome, call.ProbeRefused)
		b.waits(t, now, wait)
	}
	b.probes(t, b.answered(t), wellOutcome, call.ProbeSucceeded)
	b.observes(noon, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
	b.waits(t, noon, initialBackoff)
}

// TestProbesThatMayHaveRungComeSeldom: each is a call for a person to look into.
func TestProbesThatMayHaveRungComeSeldom(t *testing.T) {
	b := opened()
	for _, wait := range []time.Duration{4 * time.Second, 16 * time.Second, maxAmbiguousBackoff, maxAmbiguousBackoff} {
		now := b.answered(t)
		b.probes(t, now, unknownOutcome, call.ProbeAmbiguous)
		b.waits(t, now, wait)
	}
	now := b.answered(t)
	b.probes(t, now, sickOutcome, call.ProbeRefused)
	b.waits(t, now, maxBackoff)
}

// TestJitterSpreadsTheWaits by up to a half.
func TestJitterSpreadsTheWaits(t *testing.T) {
	b := opened()
	for range 9 {
		b.onReachability(false, noon, 1)
	}
	b.waits(t, noon, maxBackoff*3/2)
}

// TestWhatWasInFlightAddsNothing lets calls begun before fail after the breaker
// opened, and go well.
func TestWhatWasInFlightAddsNothing(t *testing.T) {
	b := opened()
	for i := range 20 {
		b.observes(noon.Add(time.Duration(i)*time.Second), sickOutcome, unknownOutcome)
	}
	b.observes(noon, wellOutcome)
	b.waits(t, noon, initialBackoff)
	b.answered(t)
	b.observes(noon, sickOutcome)
	b.allows(t, 0, 1)
}

func TestWhatWasPulledBeforeIsNotDialled(t *testing.T) {
	b := opened()
	if b.begin() != 0 || b.admits(0) {
		t.Error("a call that was pulled before the breaker opened is dialled")
	}
}

func TestAProbeThatWasNotMadeLeavesRoomForTheNext(t *testing.T) {
	b := opened()
	b.answered(t)
	probe := b.begin()
	b.allows(t, 1, 0)
	b.cancelProbe(probe)
	b.allows(t, 0, 1)
}

// TestTheRamp grows by one with every call that goes well, up to no limit.
func TestTheRamp(t *testing.T) {
	b := opened()
	b.probes(t, b.answered(t), wellOutcome, call.ProbeSucceeded)
	for n := rampStart; n < limit; n++ {
		b.allows(t, 0, n)
		b.allows(t, n, 0)
		b.observes(noon, wellOutcome)
	}
	b.allows(t, 0, limit)
}

// TestAnotherWorkersProbe takes the place of one's own.
func TestAnotherWorkersProbe(t *testing.T) {
	b := opened()
	now := b.answered(t)
	b.onPeerEvent(call.ProbeStarted, now, 0)
	b.waits(t, now, peerProbeTimeout)
	b.onPeerEvent(call.ProbeRefused, now, 0)
	b.waits(t, now, 2*time.Second)
	b.onPeerEvent(call.ProbeAmbiguous, now, 0)
	b.waits(t, now, initialBackoff*8)
	b.onPeerEvent(call.ProbeSucceeded, now, 0)
	b.allows(t, 0, rampStart)
}

// TestAPulledProbeGivesWay to one that another worker made first.
func TestAPulledProbeGivesWay(t *testing.T) {
	b := opened()
	now := b.answered(t)
	b.onPeerEvent(call.ProbeStarted, now, 0)
	if b.begin() != 0 {
		t.Error("it probes beside another worker")
	}
	b.onPeerEvent(call.ProbeSucceeded, now, 0)
	if !b.admits(0) {
		t.Error("nothing may be claimed although calls go through")
	}
}

// TestAProbeUnderWayIsNotDisturbed by what others find out.
func TestAProbeUnderWayIsNotDisturbed(t *testing.T) {
	for _, k := range []call.PeerEventKind{call.ProbeStarted, call.ProbeRefused, call.ProbeAmbiguous, call.Throttled, "of a newer version"} {
		b := opened()
		now := b.answered(t)
		probe := b.begin()
		b.onPeerEvent(k, now, 0)
		if !b.admits(probe) {
			t.Errorf("%s: the probe was taken away", k)
		}
		if event := b.report(wellOutcome, probe, now, 0, limit); event != call.ProbeSucceeded {
			t.Errorf("%s: it came to %q", k, event)
		}
	}
}

// TestAProbeOfBeforeSaysNothing once the breaker has closed, and opened again:
// another call probes by then, and only that one.
func TestAProbeOfBeforeSaysNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		ends func(b *breaker, old probe) call.PeerEventKind
	}{
		{"it timed out", func(b *breaker, old probe) call.PeerEventKind { return b.report(unknownOutcome, old, noon, 0, limit) }},
		{"it was refused", func(b *breaker, old probe) call.PeerEventKind { return b.report(sickOutcome, old, noon, 0, limit) }},
		{"it went well", func(b *breaker, old probe) call.PeerEventKind { return b.report(wellOutcome, old, noon, 0, limit) }},
		{"it was not made", func(b *breaker, old probe) call.PeerEventKind {
			b.cancelProbe(old)
			return ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := opened()
			now := b.answered(t)
			old := b.begin()
			b.onPeerEvent(call.ProbeSucceeded, now, 0)
			b.observes(now, sickOutcome, sickOutcome, sickOutcome, sickOutcome, sickOutcome)
			b.answered(t)
			probe := b.begin()
			if b.admits(old) {
				t.Error("the old probe may be claimed")
			}
			if event := c.ends(b, old); event != "" {
				t.Errorf("the other workers are notified of %q", event)
			}
			b.allows(t, 1, 0)
			if event := b.report(wellOutcome, probe, now, 0, limit); event != call.ProbeSucceeded {
				t.Errorf("the probe came to %q", event)
			}
		})
	}
}

// TestAnotherWorkerNeverOpensTheBreaker: its network may be broken.
func TestAnotherWorkerNeverOpensTheBreaker(t *testing.T) {
	var b breaker
	for _, k := range []call.PeerEventKind{call.ProbeStarted, call.ProbeRefused, call.ProbeAmbiguous, call.ProbeSucceeded, call.Throttled} {
		for range 10 {
			b.onPeerEvent(k, noon, 0)
		}
		b.allows(t, 0, limit)
	}
}
