package dispatcher

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestARefusedProbeSpendsNoAttempt, and the other worker hears of it: it does
// not probe as well, and goes on when the probe went well.
func TestARefusedProbeSpendsNoAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, one *bench) {
		two := newBench()
		one.peers.workers = append(one.peers.workers, two.Handler)
		for _, b := range []*bench{one, two} {
			b.Lane.breakerMoves(func(s *breaker) {
				s.trip(time.Now(), 0)
				s.asked(true, time.Now(), 0)
			})
		}
		one.meets(t, "a", sickOutcome)
		if r := one.ledger.get(); r.Made != 1 || r.Spent != 0 || r.State != call.StateWaiting || !r.Parked {
			t.Errorf("%d attempts were made and %d spent; it is %s", r.Made, r.Spent, r.State)
		}
		if two.Lane.breaker.answers || !two.Lane.breaker.open {
			t.Error("the other worker would probe, too")
		}
		one.Lane.breakerMoves(func(s *breaker) { s.asked(true, time.Now(), 0) })
		one.meets(t, "b", placedOutcome)
		if one.Lane.breaker.open || two.Lane.breaker.open || two.Lane.breaker.ramp != rampStart {
			t.Error("a worker still waits although calls go through")
		}
		told := []call.PeerEventKind{}
		for _, f := range one.peers.told {
			told = append(told, f.Kind)
		}
		if want := []call.PeerEventKind{call.ProbeStarted, call.ProbeRefused, call.ProbeStarted, call.ProbeSucceeded}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// TestTheLogSaysWhenAnAccountStandsStill because of the provider, once, and when
// it goes on.
func TestTheLogSaysWhenAnAccountStandsStill(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var log bytes.Buffer
		b.Log = slog.New(slog.NewTextHandler(&log, nil))
		for i := range refusalsToOpen {
			if log.Len() > 0 {
				t.Fatalf("after %d refusals: %s", i, log.String())
			}
			b.meets(t, fmt.Sprint("a", i), sickOutcome)
		}
		if said := log.String(); strings.Count(said, "does not take calls") != 1 || !strings.Contains(said, "last="+string(sickOutcome.Reason)) {
			t.Errorf("said was %q", said)
		}
		log.Reset()
		b.Lane.breakerMoves(func(s *breaker) { s.asked(true, time.Now(), 0) })
		b.meets(t, "b", placedOutcome)
		if said := log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "takes calls again") {
			t.Errorf("said was %q", said)
		}
	})
}
