package lane

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestTheStatusOfALane lists what stops a lane: of several causes the status shows
// the one that an operator has to know.
func TestTheStatusOfALane(t *testing.T) {
	early, soon := noon.Add(-4*time.Minute), noon.Add(20*time.Second)
	paused := &call.Pause{By: "ann", Since: early}
	refused := call.Suspension{Reason: call.Unauthorized, Since: early}
	broke := call.Suspension{Reason: call.PaymentRequired, Since: early, Until: soon}
	lifted := call.Suspension{Reason: call.PaymentRequired, Since: early, Lifted: true}
	open := breaker{open: true, since: early, cause: call.ConnectionLost, probeAt: soon}
	reachable, probes := open, open
	reachable.reachable, probes.activeProbe = true, 1
	for _, c := range []struct {
		name   string
		change func(l *Lane)
		want   call.LaneStatus
	}{
		{"nothing", func(*Lane) {}, call.LaneStatus{State: call.LaneRunning}},
		{"it is throttled", func(l *Lane) { l.blocks.throttledUntil, l.blocks.throttleReason = soon, call.RateLimited }, call.LaneStatus{State: call.LaneThrottled, Reason: call.RateLimited, Next: soon}},
		{"it was throttled", func(l *Lane) { l.blocks.throttledUntil, l.blocks.throttleReason = early, call.RateLimited }, call.LaneStatus{State: call.LaneRunning}},
		{"the breaker waits", func(l *Lane) { l.breaker = open }, call.LaneStatus{State: call.LaneOpen, Reason: call.ConnectionLost, Since: early, Next: soon}},
		{"the breaker waits for a call", func(l *Lane) { l.breaker = reachable }, call.LaneStatus{State: call.LaneProbing, Reason: call.ConnectionLost, Since: early}},
		{"a call probes", func(l *Lane) { l.breaker = probes }, call.LaneStatus{State: call.LaneProbing, Reason: call.ConnectionLost, Since: early}},
		{"throttled and open", func(l *Lane) { l.breaker, l.blocks.throttledUntil = open, soon }, call.LaneStatus{State: call.LaneOpen, Reason: call.ConnectionLost, Since: early, Next: soon}},
		{"a ramp", func(l *Lane) { l.breaker.rampLimit = 2 }, call.LaneStatus{State: call.LaneRunning}},
		{"suspended until a probe passes", func(l *Lane) { l.suspension.current, l.suspension.probeAt = refused, soon }, call.LaneStatus{State: call.LaneSuspended, Reason: call.Unauthorized, Since: early, Next: soon}},
		{"suspended for a time", func(l *Lane) { l.suspension.current, l.suspension.probeAt = broke, early }, call.LaneStatus{State: call.LaneSuspended, Reason: call.PaymentRequired, Since: early, Next: soon}},
		{"lifted", func(l *Lane) { l.suspension.current = lifted }, call.LaneStatus{State: call.LaneRunning}},
		{"suspended, and no number known", func(l *Lane) { l.suspension.current, l.blocks.linkageKnown = broke, false }, call.LaneStatus{State: call.LaneSuspended, Reason: call.PaymentRequired, Since: early, Next: soon}},
		{"paused", func(l *Lane) { l.blocks.pause = paused }, call.LaneStatus{State: call.LanePaused, Since: early}},
		{"paused and open", func(l *Lane) { l.blocks.pause, l.breaker = paused, open }, call.LaneStatus{State: call.LanePaused, Since: early}},
		{"no number known", func(l *Lane) { l.blocks.linkageKnown = false }, call.LaneStatus{State: call.LaneStopped, Reason: call.NumbersUnknown}},
		{"look-ups refused", func(l *Lane) { l.blocks.linkageKnown, l.blocks.lookupsRefused = false, true }, call.LaneStatus{State: call.LaneStopped, Reason: call.LookupsRefused}},
		{"a later look-up refused", func(l *Lane) { l.blocks.lookupsRefused = true }, call.LaneStatus{State: call.LaneRunning}},
		{"two reservations failed", func(l *Lane) { l.pacer.failures = 2 }, call.LaneStatus{State: call.LaneRunning}},
		{"three reservations failed", func(l *Lane) { l.pacer.failures = 3 }, call.LaneStatus{State: call.LaneStopped, Reason: call.RateUnknown}},
		{"throttled, and three reservations failed", func(l *Lane) {
			l.blocks.throttledUntil, l.blocks.throttleReason, l.pacer.failures = soon, call.RateLimited, 3
		}, call.LaneStatus{State: call.LaneThrottled, Reason: call.RateLimited, Next: soon}},
		{"no flags known", func(l *Lane) { l.blocks.flagsKnown, l.blocks.pause = false, paused }, call.LaneStatus{State: call.LaneStopped, Reason: call.FlagsUnknown}},
		{"records not checked", func(l *Lane) { l.blocks.halted, l.blocks.pause = ErrRecordsUnverified, paused }, call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUnchecked}},
		{"not checked over this connection", func(l *Lane) { l.blocks.halted = fmt.Errorf("lost: %w", ErrRecordsUnverified) }, call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUnchecked}},
		{"records went back", func(l *Lane) { l.blocks.halted = errors.New("they went back") }, call.LaneStatus{State: call.LaneStopped, Reason: call.RecordsUntrusted}},
		{"shut down", func(l *Lane) { l.blocks.stopping, l.blocks.halted = true, ErrRecordsUnverified }, call.LaneStatus{State: call.LaneStopped, Reason: call.ShuttingDown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Lane{blocks: blocks{flagsKnown: true, linkageKnown: true}}
			c.change(l)
			got := l.currentStatus(noon)
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if got.Reason == call.RateUnknown {
				return // it goes on asking
			}
			if stopped := l.blocked(); stopped != (got.State == call.LaneStopped || got.State == call.LanePaused || got.State == call.LaneSuspended) {
				t.Errorf("it is stopped: %t, and says %s", stopped, got.State)
			}
		})
	}
}

// TestAChangeIsReported once, with when it began, and to the metric.
func TestAChangeIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		changes := 0
		b.cfg.OnChange = func() { changes++ }
		shows := func(want call.LaneStatus, reported int) {
			t.Helper()
			if got := b.Status(); !got.Same(want) || got.State != want.State || !got.Since.Equal(want.Since) || !got.Next.Equal(want.Next) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if changes != reported {
				t.Errorf("reported %d times, want %d", changes, reported)
			}
			if n := b.stateMetric(t, want.State); n != 1 {
				t.Errorf("the metric does not say %s", want.State)
			}
		}
		start := time.Now()
		shows(call.LaneStatus{State: call.LaneRunning, Since: start}, 0)
		<-time.After(time.Minute)
		since, until := time.Now(), time.Now().Add(10*time.Second)
		b.throttle(10 * time.Second)
		shows(call.LaneStatus{State: call.LaneThrottled, Reason: call.RateLimited, Since: since, Next: until}, 1)
		<-time.After(time.Second)
		b.Status()
		b.throttle(10 * time.Second)
		shows(call.LaneStatus{State: call.LaneThrottled, Reason: call.RateLimited, Since: since, Next: until.Add(time.Second)}, 2)
		<-time.After(time.Minute)
		shows(call.LaneStatus{State: call.LaneRunning, Since: time.Now()}, 3)
		down := time.Now()
		for range maxUnknowns {
			b.changeBreaker(func(m *breaker) {
				m.report(call.Outcome{Class: call.Unknown, Reason: call.ConnectionLost, FeedsBreaker: true}, 0, time.Now(), 0, 1)
			})
		}
		shows(call.LaneStatus{State: call.LaneOpen, Reason: call.ConnectionLost, Since: down, Next: down.Add(initialBackoff)}, 4)
		<-time.After(initialBackoff)
		b.changeBreaker(func(m *breaker) { m.onReachability(true, time.Now(), 0) })
		shows(call.LaneStatus{State: call.LaneProbing, Reason: call.ConnectionLost, Since: down}, 5)
		b.changeBreaker(func(m *breaker) { m.onPeerEvent(call.ProbeSucceeded, time.Now(), 0) })
		shows(call.LaneStatus{State: call.LaneRunning, Since: time.Now()}, 6)
	})
}

// TestAnOpenBreakerSaysWhy by what the last call came to that spoke of it, since
// when, and when it asks again.
func TestAnOpenBreakerSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name     string
		outcomes []call.Outcome
		want     call.Reason
	}{
		{"refusals", slices.Repeat([]call.Outcome{sickOutcome}, maxRefusals), call.ServiceUnavailable},
		{"time-outs", slices.Repeat([]call.Outcome{unknownOutcome}, maxUnknowns), call.TimedOut},
		{"nothing proven", slices.Repeat([]call.Outcome{unprovenOutcome}, maxUnproven), call.Ambiguous},
		{"refusals, and a call of its own", slices.Concat(slices.Repeat([]call.Outcome{sickOutcome}, maxRefusals), []call.Outcome{{Class: call.Rejected, Reason: call.InvalidRequest}}), call.ServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b breaker
			b.observes(noon, c.outcomes...)
			if got, want := b.status(), (call.LaneStatus{State: call.LaneOpen, Reason: c.want, Since: noon, Next: noon.Add(initialBackoff)}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			now := b.answered(t)
			b.probes(t, now, call.Outcome{Class: call.Refused, Reason: call.NotSent, FeedsBreaker: true}, call.ProbeRefused)
			if got := b.status(); got.State != call.LaneOpen || got.Reason != call.NotSent || !got.Since.Equal(noon) {
				t.Errorf("after a probe: %+v", got)
			}
		})
	}
}
