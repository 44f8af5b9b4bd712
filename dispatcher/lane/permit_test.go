package lane

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// dial makes calls as a worker does, with claims and POSTs that take so long, and
// returns when the POSTs began.
func dial(t *testing.T, l *Lane, calls int, claim, post time.Duration) []time.Time {
	t.Helper()
	var mu sync.Mutex
	var begun []time.Time
	var all sync.WaitGroup
	for left := calls; left > 0; {
		n, _ := l.WaitCapacity(t.Context())
		for range min(n, left) {
			left--
			permit := l.Acquire()
			all.Go(func() {
				defer permit.Release()
				if !permit.Wait(t.Context()) {
					t.Error("it was handed back")
					return
				}
				<-time.After(claim)
				if !permit.WaitSlot(t.Context()) {
					t.Error("it missed its slot")
					return
				}
				mu.Lock()
				begun = append(begun, time.Now())
				mu.Unlock()
				<-time.After(post)
				permit.Report(wellOutcome)
				<-time.After(claim)
			})
		}
	}
	all.Wait()
	slices.SortFunc(begun, time.Time.Compare)
	return begun
}

// TestCallsArePaced at several limits, with claims that take their time: no
// second has more than it may, and nothing of the limit is lost.
func TestCallsArePaced(t *testing.T) {
	for _, perSecond := range []float64{0.5, 7.3, 10, 200} {
		for _, claim := range []time.Duration{0, 3 * time.Millisecond, 45 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(64, perSecond)
				warm := 20
				begun := dial(t, l, warm+100, claim, 20*time.Millisecond)[warm:]
				most := int(perSecond*1.05) + 1
				for i, from := range begun {
					n := 0
					for _, at := range begun[i:] {
						if at.Sub(from) < time.Second {
							n++
						}
					}
					if n > most {
						t.Fatalf("%v per second, claims of %s: %d calls within a second", perSecond, claim, n)
					}
				}
				if rate := 99 / begun[99].Sub(begun[0]).Seconds(); rate < 0.98*perSecond {
					t.Errorf("%v per second, claims of %s: %.1f were used", perSecond, claim, rate)
				}
			})
		}
	}
}

// TestALateClaimTakesAnotherSlot, or dials nothing if none is close.
func TestALateClaimTakesAnotherSlot(t *testing.T) {
	for _, c := range []struct {
		perSecond float64
		took      time.Duration
		dialled   bool
	}{
		{100, 100 * time.Millisecond, true},
		{100, time.Minute, true},
		{2, 300 * time.Millisecond, true}, // not so late, at that limit
		{2, 700 * time.Millisecond, true},
		{1, 600 * time.Millisecond, false}, // the next is 400 ms away
		{1, 800 * time.Millisecond, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := openLane(4, c.perSecond)
			if n, _ := l.WaitCapacity(t.Context()); n == 0 {
				t.Fatal("nothing is permitted")
			}
			permit := l.Acquire()
			defer permit.Release()
			if !permit.Wait(t.Context()) {
				t.Fatal("it was handed back")
			}
			<-time.After(c.took)
			claimed := time.Now()
			dialled := permit.WaitSlot(t.Context())
			if dialled != c.dialled || time.Since(claimed) > maxSlotWait {
				t.Errorf("at %v per second, a claim of %s: dialled %t after %s", c.perSecond, c.took, dialled, time.Since(claimed))
			}
		})
	}
}

// TestWithoutTheLimiterNothingIsBegun and it goes on when it answers.
func TestWithoutTheLimiterNothingIsBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(4, 10).open()
		l, limit := b.Lane, &evenLimiter{perSecond: 10}
		b.setLimiter(nil)
		a := ask(t, l)
		<-time.After(time.Minute)
		a.is(t, -1)
		limit.fail(true)
		b.setLimiter(limit)
		<-time.After(time.Minute)
		a.is(t, -1)
		if limit.asked < 20 || limit.asked > 120 {
			t.Errorf("it was asked %d times in a minute", limit.asked)
		}
		if s := l.Status(); s.Reason != call.RateUnknown {
			t.Errorf("it says %+v", s)
		}
		limit.fail(false)
		<-time.After(5 * time.Second)
		a.is(t, 1)
		if s := l.Status(); s.State != call.LaneRunning {
			t.Errorf("it says %+v", s)
		}
	})
}

func TestAPermitWithoutAnAttemptReturnsItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(8, 1)
		for range 3 {
			if n, _ := l.WaitCapacity(t.Context()); n != 1 {
				t.Fatalf("capacity for %d", n)
			}
			permit := l.Acquire()
			if !permit.Wait(t.Context()) {
				t.Fatal("it was handed back")
			}
			permit.Release()
		}
		if limit, ok := l.ports.Limiter.(*evenLimiter); !ok || limit.asked > 1 {
			t.Errorf("%+v: more than one slot was reserved", l.ports.Limiter)
		}
	})
}

// TestAPOSTSlotIsFreeWhenThePOSTHasEnded while what came of it is written down,
// unless that has yet to stop the lane.
func TestAPOSTSlotIsFreeWhenThePOSTHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		outcome call.Outcome
		free    bool
	}{
		"placed":         {wellOutcome, true},
		"unknown":        {unknownOutcome, true},
		"suspended":      {call.Outcome{Class: call.Suspended, Reason: call.Unauthorized}, false},
		"throttled":      {call.Outcome{Class: call.Refused, Reason: call.RateLimited, ThrottlesAccount: true}, false},
		"merely refused": {call.Outcome{Class: call.Refused, Reason: call.InitiateFailed}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(1, 0)
				permit := l.Acquire()
				if !permit.Wait(t.Context()) || !permit.WaitSlot(t.Context()) {
					t.Fatal("it may not dial")
				}
				a := ask(t, l)
				a.is(t, -1)
				permit.Report(c.outcome)
				if c.free {
					a.is(t, 1)
				} else {
					a.is(t, -1)
				}
				permit.Release()
				if !c.free {
					a.is(t, 1)
				}
			})
		})
	}
}

// TestAPermitMayWaitAgain when the claim was lost: it has its slot already.
func TestAPermitMayWaitAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(1, 0)
		permit := l.Acquire()
		for range 3 {
			if !permit.Wait(t.Context()) {
				t.Fatal("it was handed back")
			}
		}
		permit.Release()
		again := l.Acquire()
		if !again.Wait(t.Context()) {
			t.Error("the slot is lost")
		}
		l.Stop()
		if again.Wait(t.Context()) {
			t.Error("it may be claimed although the lane has stopped")
		}
		again.Release()
		if l.pulled != 0 || l.posting != 0 || l.permits != 0 || len(l.postSlots) != 0 {
			t.Errorf("something is left of them: %d %d %d", l.pulled, l.posting, l.permits)
		}
	})
}

// TestWhatSettlesIsBounded although it holds no POST slot.
func TestWhatSettlesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(4, 0)
		var settling []*Permit
		for range 8 {
			if n, _ := l.WaitCapacity(t.Context()); n == 0 {
				t.Fatal("nothing is permitted")
			}
			permit := l.Acquire()
			if !permit.Wait(t.Context()) || !permit.WaitSlot(t.Context()) {
				t.Fatal("it may not dial")
			}
			<-time.After(time.Second) // slow enough for nothing to be pulled ahead
			permit.Report(wellOutcome)
			settling = append(settling, permit)
		}
		a := ask(t, l)
		a.is(t, -1)
		settling[0].Release()
		a.is(t, 1)
	})
}

// TestWhatIsPulledAheadIsHandedBack when a POST slot does not come free, or the
// lane stops, is throttled or its breaker opens.
func TestWhatIsPulledAheadIsHandedBack(t *testing.T) {
	for name, stop := range map[string]func(l *Lane){
		"no slot comes free": func(*Lane) { <-time.After(maxWait) },
		"stopped":            (*Lane).Stop,
		"paused":             func(l *Lane) { l.SetBlocks(&call.Blocks{Pause: &call.Pause{By: "ops"}}) },
		"throttled":          func(l *Lane) { l.throttle(time.Minute) },
		"the breaker opens": func(l *Lane) {
			for range maxRefusals {
				(&Permit{lane: l}).Report(sickOutcome)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := openLane(1, 0)
				posting := l.Acquire()
				if !posting.Wait(t.Context()) {
					t.Fatal("it may not dial")
				}
				waiting := []*Permit{l.Acquire(), l.Acquire(), l.Acquire()}
				granted := make(chan bool, len(waiting))
				for _, permit := range waiting {
					go func() { granted <- permit.Wait(t.Context()) }()
				}
				synctest.Wait()
				if len(granted) > 0 {
					t.Fatal("it did not wait")
				}
				stop(l)
				for range waiting {
					if <-granted {
						t.Error("it may be claimed")
					}
				}
				for _, permit := range waiting {
					permit.Release()
				}
				posting.Release()
				if l.pulled != 0 || l.posting != 0 || l.permits != 0 || len(l.postSlots) != 0 || len(l.head) != 0 {
					t.Errorf("something is left of them: %d %d %d", l.pulled, l.posting, l.permits)
				}
			})
		})
	}
}

// TestAStopBeforeSleep ends the wait of a permit, although it came after the permit
// was last looked at.
func TestAStopBeforeSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(8, 0.5)
		l.pacer.add(time.Now().Add(maxWait - time.Millisecond))
		l.pacer.retryAt = time.Now().Add(time.Hour)
		permit := l.Acquire()
		_, open, at := permit.tryGrant()
		if !open || at.IsZero() {
			t.Fatal("the permit does not wait")
		}
		l.Halt(errDown)
		began := time.Now()
		permit.sleep(t.Context(), at)
		if slept := time.Since(began); slept > 0 {
			t.Errorf("it slept for %s", slept)
		}
	})
}
