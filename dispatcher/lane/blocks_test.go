package lane

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestWhatStopsALane stops it, and checks the capacity, what was returned before,
// and a claim.
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
		{"halted", func(l *Lane) { l.Halt(errors.New("the records went back")) }, func(l *Lane) { l.Halt(nil) }},
		{"suspended here", func(l *Lane) { l.suspend(call.Outcome{Reason: call.Unauthorized}) }, func(l *Lane) {
			l.update(func(time.Time) bool { return l.suspension.lift(l.suspension.current) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(4, 0)
				n, revoked := l.WaitCapacity(t.Context())
				if n != 4 || !mayClaim(l) {
					t.Fatalf("capacity for %d of 4", n)
				}
				c.stop(l)
				select {
				case <-revoked:
				default:
					t.Error("the capacity was not revoked")
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
					t.Errorf("capacity for %d after %s", n, time.Since(start))
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
			t.Errorf("capacity for %d", n)
		}
	})
}

// TestOtherAccountsFlagsRevokeNothing sets what the lane knows already.
func TestOtherAccountsFlagsRevokeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(4, 0)
		lifted := call.Suspension{Reason: call.Forbidden, Since: time.Now(), Times: 1, Lifted: true}
		l.SetBlocks(&call.Blocks{Suspension: lifted})
		n, revoked := l.WaitCapacity(t.Context())
		l.SetBlocks(&call.Blocks{Suspension: lifted})
		select {
		case <-revoked:
			t.Error("the capacity was revoked")
		default:
		}
		if n != 4 {
			t.Errorf("capacity for %d", n)
		}
	})
}

// TestAResumptionEndsAThrottle once, and none that comes after it.
func TestAResumptionEndsAThrottle(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []uint64 // what they say of the last resumption, before and after it is throttled
		ends  bool
	}{
		{"none", []uint64{0, 0}, false},
		{"the first", []uint64{0, 7}, true},
		{"another one", []uint64{7, 9}, true},
		{"another one, in a bucket that was recreated", []uint64{7, 2}, true},
		{"one of before", []uint64{7, 7}, false},
		{"one of before, which expires", []uint64{7, 0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(1, 0)
				l.SetBlocks(&call.Blocks{ResumeRevision: c.flags[0]})
				l.throttle(time.Minute)
				a := ask(t, l)
				a.is(t, -1)
				l.SetBlocks(&call.Blocks{ResumeRevision: c.flags[1]})
				if c.ends {
					a.is(t, 1)
					return
				}
				a.is(t, -1)
				<-time.After(time.Minute)
				a.is(t, 1)
			})
		})
	}
}

// TestALaneTakesOverAThrottle that no operator has ended since.
func TestALaneTakesOverAThrottle(t *testing.T) {
	for _, c := range []struct {
		name      string
		before    uint64        // the last resumption that the lane before knew of
		flags     []call.Blocks // of the next lane, the first before it takes over
		takesOver bool
	}{
		{"nothing is known yet", 7, nil, true},
		{"nothing new", 7, []call.Blocks{{ResumeRevision: 7}}, true},
		{"nothing new, heard later", 7, []call.Blocks{{}, {ResumeRevision: 7}}, true},
		{"resumed between", 7, []call.Blocks{{ResumeRevision: 8}}, false},
		{"resumed later", 7, []call.Blocks{{ResumeRevision: 7}, {ResumeRevision: 8}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before, next := openLane(1, 0), openLane(1, 0)
				before.SetBlocks(&call.Blocks{ResumeRevision: c.before})
				before.throttle(time.Minute)
				flags := c.flags
				if len(flags) > 0 {
					next.SetBlocks(&flags[0])
					flags = flags[1:]
				}
				next.CopyStateFrom(before)
				for i := range flags {
					next.SetBlocks(&flags[i])
				}
				if throttled := next.Status().State == call.LaneThrottled; throttled != c.takesOver {
					t.Errorf("throttled: %t", throttled)
				}
			})
		})
	}
}
