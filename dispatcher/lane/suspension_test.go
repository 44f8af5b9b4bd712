package lane

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

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

// TestASuspensionOutrunsItsFlag sets older flags after the lane suspended
// itself.
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

// TestASuspensionThatWasSuperseded by another worker's ends with that one, in
// whichever order the lane learns of it: no flag of its own will ever come.
func TestASuspensionThatWasSuperseded(t *testing.T) {
	for _, reason := range []call.Reason{call.Forbidden, call.Unauthorized} {
		for name, order := range map[string][]string{
			"heard, superseded, lifted": {"heard", "superseded", "lifted"},
			"heard, lifted, superseded": {"heard", "lifted", "superseded"},
			"superseded, heard, lifted": {"superseded", "heard", "lifted"},
		} {
			t.Run(string(reason)+": "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := openLane(4, 0)
					other := call.Suspension{Reason: reason, Since: time.Now(), Times: 1, Worker: "two"}
					if reason == call.Forbidden {
						other.Until = time.Now().Add(time.Minute)
					}
					<-time.After(time.Millisecond)
					own, _ := l.suspend(call.Outcome{Reason: reason})
					for i, what := range order {
						if mayClaim(l) {
							t.Errorf("before %s it may dial", order[i])
						}
						switch what {
						case "heard":
							l.SetBlocks(&call.Blocks{Suspension: other})
						case "superseded":
							l.update(func(now time.Time) bool { return l.suspension.supersededBy(own, other, now) })
						case "lifted":
							l.SetBlocks(&call.Blocks{})
						}
					}
					if !mayClaim(l) {
						t.Error("it is still suspended")
					}
				})
			})
		}
	}
}

func TestExponential(t *testing.T) {
	for times, want := range map[int]time.Duration{-1: time.Second, 0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 1000: time.Minute} {
		if got := exponential(time.Second, time.Minute, times); got != want {
			t.Errorf("%d times: %s, want %s", times, got, want)
		}
	}
}
