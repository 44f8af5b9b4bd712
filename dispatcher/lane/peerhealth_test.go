package lane

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestOtherWorkersHearOfAProbe: they do not probe as well, and go on when the
// probe succeeded. A refused one spends no attempt.
func TestOtherWorkersHearOfAProbe(t *testing.T) {
	bubble(t, func(t *testing.T, one *bench) {
		two := newBench(16, 0).open()
		one.peers.lanes = append(one.peers.lanes, two.Lane)
		reachable := func(b *breaker) { b.onReachability(true, time.Now(), 0) }
		for _, b := range []*bench{one, two} {
			for range maxRefusals {
				b.meets(t, sickOutcome)
			}
			b.changeBreaker(reachable)
		}
		if o := one.meets(t, sickOutcome); !o.Unspent {
			t.Error("a refused probe spends an attempt")
		}
		if two.breaker.reachable || !two.breaker.open {
			t.Error("the other worker would probe, too")
		}
		one.changeBreaker(reachable)
		one.meets(t, wellOutcome)
		if one.breaker.open || two.breaker.open || two.breaker.rampLimit != rampStart {
			t.Error("a worker still waits although calls go through")
		}
		if want := []call.PeerEventKind{call.ProbeStarted, call.ProbeRefused, call.ProbeStarted, call.ProbeSucceeded}; !slices.Equal(one.peers.events, want) {
			t.Errorf("notified of %q, want %q", one.peers.events, want)
		}
	})
}

// TestTheLogSaysWhenAnAccountStandsStill because of the provider, once, and when
// it goes on.
func TestTheLogSaysWhenAnAccountStandsStill(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		for i := range maxRefusals {
			if b.log.Len() > 0 {
				t.Fatalf("after %d refusals: %s", i, b.log.String())
			}
			b.meets(t, sickOutcome)
		}
		if logged := b.log.String(); strings.Count(logged, "does not take calls") != 1 || !strings.Contains(logged, "last="+string(sickOutcome.Reason)) {
			t.Errorf("logged was %q", logged)
		}
		b.log.Reset()
		b.changeBreaker(func(s *breaker) { s.onReachability(true, time.Now(), 0) })
		b.meets(t, wellOutcome)
		if logged := b.log.String(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, "takes calls again") {
			t.Errorf("logged was %q", logged)
		}
	})
}
