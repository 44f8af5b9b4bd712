package lane

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// mayClaim reports whether a call that was just pulled may be claimed.
func mayClaim(l *Lane) bool {
	turn := l.Acquire()
	defer turn.Release()
	return turn.Wait(context.Background())
}

// asked is a permit that was asked for in the background.
type asked struct{ got chan int }

func ask(t *testing.T, l *Lane) asked {
	t.Helper()
	a := asked{make(chan int, 1)}
	go func() {
		n, _ := l.WaitCapacity(t.Context())
		a.got <- n
	}()
	return a
}

// is waits until nothing moves, and compares; -1 is no answer yet.
func (a asked) is(t *testing.T, want int) {
	t.Helper()
	synctest.Wait()
	got := -1
	select {
	case got = <-a.got:
	default:
	}
	if got != want {
		t.Errorf("permitted %d, want %d", got, want)
	}
}

// TestALaneStartsClosed until the flags are known, the ledger was checked and the
// directory was fetched.
func TestALaneStartsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newBench(4, 0).Lane
		a := ask(t, l)
		a.is(t, -1)
		l.Halt(nil)
		a.is(t, -1)
		l.SetBlocks(&call.Blocks{})
		a.is(t, -1)
		l.SetLinkageKnown()
		a.is(t, 4)
	})
}

// TestWhatStopsALane stops it, and looks at a permit, at one that was given
// before, and at a claim.
func TestWhatStopsALane(t *testing.T) {
	for _, c := range []struct {
		name         string
		stop, resume func(l *Lane)
	}{
		{"paused", func(l *Lane) { l.SetBlocks(&call.Blocks{Pause: &call.Pause{By: "ops"}}) }, func(l *Lane) { l.SetBlocks(&call.Blocks{}) }},
		{
			"suspended elsewhere",
			func(l *Lane) {
				l.SetBlocks(&call.Blocks{Suspension: call.Suspension{Reason: call.Forbidden, Since: time.Now()}})
			},
			func(l *Lane) {
				l.SetBlocks(&call.Blocks{Suspension: call.Suspension{Reason: call.Forbidden, Since: time.Now(), Lifted: true}})
			},
		},
		{"flags not known", func(l *Lane) { l.SetBlocks(nil) }, func(l *Lane) { l.SetBlocks(&call.Blocks{}) }},
		{"halted", func(l *Lane) { l.Halt(errors.New("the ledger went back")) }, func(l *Lane) { l.Halt(nil) }},
		{"suspended here", func(l *Lane) { l.suspend(call.Outcome{Reason: call.Unauthorized}) }, func(l *Lane) {
			l.update(func(time.Time) bool { return l.suspension.lift(l.suspension.current) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(4, 0)
				n, withdrawn := l.WaitCapacity(t.Context())
				if n != 4 || !mayClaim(l) {
					t.Fatalf("permitted %d of 4", n)
				}
				c.stop(l)
				select {
				case <-withdrawn:
				default:
					t.Error("the permit was not withdrawn")
				}
				if mayClaim(l) {
					t.Error("a call may be claimed")
				}
				a := ask(t, l)
				a.is(t, -1)
				c.resume(l)
				a.is(t, 4)
			})
		})
	}
}

// TestTheLongestPauseHolds that the provider asked for, in whichever order its
// answers come in.
func TestTheLongestPauseHolds(t *testing.T) {
	for name, asked := range map[string][]time.Duration{
		"shorter later": {time.Minute, time.Second},
		"longer later":  {time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(1, 0)
				start := time.Now()
				for _, d := range asked {
					l.throttle(d)
				}
				if n, _ := l.WaitCapacity(t.Context()); n != 1 || time.Since(start) != time.Minute {
					t.Errorf("permitted %d after %s", n, time.Since(start))
				}
			})
		})
	}
}

func TestStopIsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(1, 0)
		l.Acquire()
		a := ask(t, l)
		a.is(t, -1)
		l.Stop()
		a.is(t, 0)
		l.SetBlocks(&call.Blocks{})
		l.Halt(nil)
		if n, _ := l.WaitCapacity(t.Context()); n != 0 || mayClaim(l) {
			t.Errorf("permitted %d", n)
		}
	})
}

func TestAPermitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if n, _ := openLane(4, 0).WaitCapacity(ctx); n != 0 {
			t.Errorf("permitted %d", n)
		}
	})
}

// TestSlotsArePermitted counts what is in flight.
func TestSlotsArePermitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(2, 0)
		first := l.Acquire()
		if n, _ := l.WaitCapacity(t.Context()); n != 1 {
			t.Errorf("permitted %d", n)
		}
		l.Acquire()
		a := ask(t, l)
		a.is(t, -1)
		first.Release()
		a.is(t, 1)
	})
}

// TestTheLaneWaitsForTheBreaker opens it by turns, and lets one call probe.
func TestTheLaneWaitsForTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(8, 0)
		dial := func(o call.Outcome) {
			turn := l.Acquire()
			turn.Report(o)
			turn.Release()
		}
		_, withdrawn := l.WaitCapacity(t.Context())
		for range maxRefusals {
			dial(sickOutcome)
		}
		select {
		case <-withdrawn:
		default:
			t.Error("the permit was not withdrawn")
		}
		a := ask(t, l)
		<-time.After(time.Hour)
		a.is(t, -1)
		l.changeBreaker(func(b *breaker) { b.onReachability(true, time.Now(), 0) })
		a.is(t, 1)
		probe := l.Acquire()
		if !probe.IsProbe() || !probe.Wait(t.Context()) || mayClaim(l) {
			t.Error("not one call probes")
		}
		a = ask(t, l)
		a.is(t, -1)
		probe.Release() // it was handed back
		a.is(t, 1)
		dial(wellOutcome)
		if n, _ := l.WaitCapacity(t.Context()); n != rampStart {
			t.Errorf("permitted %d when the ramp begins", n)
		}
	})
}

// TestALastingSuspensionTakesOver from one that a probe lifts, of this worker or
// another; not the other way round.
func TestALastingSuspensionTakesOver(t *testing.T) {
	now := time.Now()
	lasting := call.Suspension{Reason: call.Forbidden, Since: now.Add(-time.Millisecond), Until: now.Add(time.Minute), Times: 1}
	for name, c := range map[string]struct {
		then func(l *Lane)
		want call.Reason
	}{
		"here":       {func(l *Lane) { l.suspend(call.Outcome{Reason: call.Forbidden}) }, call.Forbidden},
		"in another": {func(l *Lane) { l.SetBlocks(&call.Blocks{Suspension: lasting}) }, call.Forbidden},
		"an older one": {func(l *Lane) {
			l.SetBlocks(&call.Blocks{Suspension: call.Suspension{Reason: call.Unauthorized, Since: now.Add(-time.Hour), Lifted: true}})
		}, call.Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLane(4, 0)
			l.suspend(call.Outcome{Reason: call.Unauthorized})
			c.then(l)
			if s := l.suspension.current; !s.InForce() || s.Reason != c.want || s.Times != 1 {
				t.Errorf("suspended as %+v", s)
			}
			l.suspend(call.Outcome{Reason: call.Unauthorized})
			if s := l.suspension.current; s.Reason != c.want {
				t.Errorf("suspended again as %+v", s)
			}
		})
	}
}

// TestASuspensionOutrunsItsFlag lets the lane hear of older flags after it
// suspended itself.
func TestASuspensionOutrunsItsFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(4, 0)
		old := call.Suspension{Reason: call.Forbidden, Since: time.Now(), Times: 1, Lifted: true}
		l.SetBlocks(&call.Blocks{Suspension: old})
		<-time.After(time.Second)
		own, fresh := l.suspend(call.Outcome{Reason: call.Forbidden})
		if !fresh || own.Times != 2 || time.Until(own.Until) != 2*time.Minute {
			t.Fatalf("suspended as %+v", own)
		}
		if again, fresh := l.suspend(call.Outcome{Reason: call.Redirected}); fresh || again != own {
			t.Errorf("suspended again as %+v", again)
		}
		for _, stale := range []call.Suspension{{}, old} {
			l.SetBlocks(&call.Blocks{Suspension: stale})
			if mayClaim(l) {
				t.Error("an older flag lifted it")
			}
		}
		l.SetBlocks(&call.Blocks{Suspension: own}) // confirmed
		own.Lifted = true
		l.SetBlocks(&call.Blocks{Suspension: own})
		if !mayClaim(l) {
			t.Error("it was not lifted")
		}
		if !l.suspension.onPlaced() || l.suspension.onPlaced() {
			t.Error("a placed call ends the row once")
		}
		if s, _ := l.suspend(call.Outcome{Reason: call.Forbidden}); s.Times != 1 {
			t.Errorf("it is number %d in a row", s.Times)
		}
	})
}

// TestOtherAccountsFlagsWithdrawNothing tells the lane again what it knows.
func TestOtherAccountsFlagsWithdrawNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(4, 0)
		lifted := call.Suspension{Reason: call.Forbidden, Since: time.Now(), Times: 1, Lifted: true}
		l.SetBlocks(&call.Blocks{Suspension: lifted})
		n, withdrawn := l.WaitCapacity(t.Context())
		l.SetBlocks(&call.Blocks{Suspension: lifted})
		select {
		case <-withdrawn:
			t.Error("the permit was withdrawn")
		default:
		}
		if n != 4 {
			t.Errorf("permitted %d", n)
		}
	})
}

// TestAnOperatorLiftsWhatWasConfirmed removes the flag.
func TestAnOperatorLiftsWhatWasConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(4, 0)
		own, _ := l.suspend(call.Outcome{Reason: call.Unauthorized})
		l.SetBlocks(&call.Blocks{Suspension: own})
		l.SetBlocks(&call.Blocks{})
		if !mayClaim(l) {
			t.Error("it is still suspended")
		}
	})
}
