package lane

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// opens returns how long it takes until something may be dialled.
func (b *bench) opens(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	if n, _ := b.WaitCapacity(ctx); n == 0 {
		t.Fatal("nothing may be dialled")
	}
	return time.Since(start)
}

func TestA401IsProbedUntilTheKeyWorks(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		b.provider.probes(fails)
		b.meets(t, call.Outcome{Class: call.Suspended, Reason: call.Unauthorized, Status: 401})
		<-time.After(time.Hour)
		synctest.Wait()
		if n := b.provider.asked.Load(); n < 30 || n > 200 {
			t.Errorf("probed %d times in an hour", n)
		}
		if mayClaim(b.Lane) {
			t.Error("calls go out")
		}
		b.provider.probes(nil)
		if waited := b.opens(t); waited > 3*maxProbeDelay/2 {
			t.Errorf("it took %s until the key that works was found to work", waited)
		}
		b.control.wrote(t, "suspend unauthorized 1", "lift")
	})
}

// TestANewKeyIsProbedAtOnce does not wait for the next probe.
func TestANewKeyIsProbedAtOnce(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		b.provider.probes(fails)
		b.meets(t, call.Outcome{Class: call.Suspended, Reason: call.Unauthorized})
		<-time.After(20 * time.Minute)
		synctest.Wait()
		b.provider.probes(nil)
		b.OnKeyRotated()
		if waited := b.opens(t); waited != 0 {
			t.Errorf("it took %s", waited)
		}
	})
}

// TestANewKeySaysNothingOfOtherSuspensions leaves a timed one as it is.
func TestANewKeySaysNothingOfOtherSuspensions(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		b.meets(t, call.Outcome{Class: call.Suspended, Reason: call.PaymentRequired})
		b.OnKeyRotated()
		if waited := b.opens(t); waited != initialSuspension || b.provider.asked.Load() != 0 {
			t.Errorf("opened after %s and %d probes", waited, b.provider.asked.Load())
		}
	})
}

// TestTimedSuspensionsGrow suspends in a row until a call is placed.
func TestTimedSuspensionsGrow(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		blocked := call.Outcome{Class: call.Suspended, Reason: call.Forbidden}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			b.meets(t, blocked)
			if waited := b.opens(t); waited != want*time.Minute {
				t.Errorf("suspended for %s, want %s", waited, want*time.Minute)
			}
		}
		b.meets(t, wellOutcome)
		b.meets(t, blocked)
		if waited := b.opens(t); waited != time.Minute {
			t.Errorf("after a placed call suspended for %s", waited)
		}
		if b.provider.asked.Load() != 0 {
			t.Error("a probe says nothing of this suspension")
		}
	})
}

// TestALiftThatCannotBeWrittenIsTriedAgain leaves no worker behind suspended.
func TestALiftThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	for _, reason := range []call.Reason{call.Unauthorized, call.Forbidden} {
		probed(t, func(t *testing.T, b *bench) {
			b.meets(t, call.Outcome{Class: call.Suspended, Reason: reason})
			b.control.failing.Store(true)
			<-time.After(10 * time.Minute)
			synctest.Wait()
			if mayClaim(b.Lane) {
				t.Errorf("%s: lifted here and not for the others", reason)
			}
			b.control.failing.Store(false)
			if waited := b.opens(t); waited > time.Minute {
				t.Errorf("%s: lifted after %s", reason, waited)
			}
		})
	}
}

// TestASuspensionThatCannotBeWrittenStopsThisWorker for as long as any other.
func TestASuspensionThatCannotBeWrittenStopsThisWorker(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		b.control.failing.Store(true)
		b.meets(t, call.Outcome{Class: call.Suspended, Reason: call.Forbidden})
		b.control.failing.Store(false)
		b.control.wrote(t)
		b.SetBlocks(&call.Blocks{}) // another account's flag changed
		if waited := b.opens(t); waited != time.Minute {
			t.Errorf("suspended for %s", waited)
		}
	})
}

// TestASuspensionIsWrittenWhenThatIsPossible, once, and then an operator can lift
// it.
func TestASuspensionIsWrittenWhenThatIsPossible(t *testing.T) {
	for _, reason := range []call.Reason{call.Forbidden, call.Unauthorized} {
		t.Run(string(reason), func(t *testing.T) {
			probed(t, func(t *testing.T, b *bench) {
				b.provider.probes(fails)
				b.control.failing.Store(true)
				b.meets(t, call.Outcome{Class: call.Suspended, Reason: reason})
				<-time.After(15 * time.Second)
				b.control.failing.Store(false)
				<-time.After(25 * time.Second)
				b.control.wrote(t, "suspend "+string(reason)+" 1")
				b.SetBlocks(&call.Blocks{}) // an operator has lifted it
				if waited := b.opens(t); waited != 0 {
					t.Errorf("suspended for %s more", waited)
				}
			})
		})
	}
}

// TestAfterUnknownsTheHarmlessProbeComesFirst opens the breaker by unknowns.
func TestAfterUnknownsTheHarmlessProbeComesFirst(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		b.provider.probes(fails)
		for range maxUnknowns {
			b.meets(t, unknownOutcome)
		}
		<-time.After(time.Minute)
		a := ask(t, b.Lane)
		a.is(t, -1)
		failed := b.provider.asked.Load()
		if failed < 10 {
			t.Errorf("probed %d times in a minute", failed)
		}
		b.provider.probes(nil)
		<-time.After(2 * maxBackoff)
		a.is(t, 1)
		if b.provider.asked.Load() != failed+1 {
			t.Error("it was probed again after it worked")
		}
	})
}

// TestAHangingProbeIsGivenUp and made again.
func TestAHangingProbeIsGivenUp(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		b.provider.probes(func(ctx context.Context) error {
			if b.provider.asked.Load() > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		b.meets(t, call.Outcome{Class: call.Suspended, Reason: call.Unauthorized})
		if waited := b.opens(t); waited < probeTimeout || waited > probeTimeout+time.Minute {
			t.Errorf("opened after %s", waited)
		}
	})
}

// TestWorkersDoNotLiftForEachOtherForEver gives two workers a key that passes
// the probe and may not place calls.
func TestWorkersDoNotLiftForEachOtherForEver(t *testing.T) {
	bubble(t, func(t *testing.T, one *bench) {
		two := newBench(16, 0).open()
		two.control = one.control
		two.setLimiter(nil)
		one.control.lanes = append(one.control.lanes, two.Lane)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var all sync.WaitGroup
		var refused atomic.Int32
		for _, b := range []*bench{one, two} {
			all.Go(func() { b.RunProbes(ctx) })
			all.Go(func() {
				for refused.Load() < 1000 {
					if n, _ := b.WaitCapacity(ctx); n == 0 {
						return
					}
					p := b.Acquire()
					if p.Wait(ctx) {
						refused.Add(1)
						b.Suspend(ctx, p.Report(call.Outcome{Class: call.Suspended, Reason: call.Unauthorized}))
					}
					p.Release()
				}
			})
		}
		all.Wait()
		if n := refused.Load(); n < 50 || n > 200 {
			t.Errorf("%d calls were refused with 401 in an hour", n)
		}
	})
}

// TestANewKeyWhileTheOldOneIsProbed is probed as soon as that is over, and as
// often at first as if the suspension were new.
func TestANewKeyWhileTheOldOneIsProbed(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		var good, refuseOnce atomic.Bool
		b.provider.probes(func(context.Context) error {
			accepted := good.Load() && !refuseOnce.Swap(false) // as the key was when it was sent
			<-time.After(2 * time.Second)
			if !accepted {
				return errDown
			}
			return nil
		})
		b.meets(t, call.Outcome{Class: call.Suspended, Reason: call.Unauthorized})
		<-time.After(20 * time.Minute)
		for asked := b.provider.asked.Load(); b.provider.asked.Load() == asked; {
			<-time.After(100 * time.Millisecond)
		}
		good.Store(true)
		refuseOnce.Store(true) // it takes the provider a moment, too
		b.OnKeyRotated()
		if waited := b.opens(t); waited > 10*time.Second {
			t.Errorf("it took %s", waited)
		}
	})
}

// TestASuspensionHasItsOwnWait also if it comes when the one before is
// due.
func TestASuspensionHasItsOwnWait(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.provider.probes(fails)
		b.suspend(call.Outcome{Reason: call.Unauthorized})
		p := newProber(b.Lane)
		p.run(t.Context())
		if n := b.provider.asked.Load(); n != 0 {
			t.Errorf("it was probed %d times at once", n)
		}
		<-time.After(initialProbeDelay)
		p.run(t.Context())
		if n := b.provider.asked.Load(); n != 1 {
			t.Errorf("it was probed %d times when its wait was over", n)
		}
	})
}

// TestAnotherSuspensionHasATimeOfItsOwn: what fails for the one before, while
// that is probed or lifted, does not cut it short.
func TestAnotherSuspensionHasATimeOfItsOwn(t *testing.T) {
	probed(t, func(t *testing.T, b *bench) {
		probing, fail := make(chan struct{}), make(chan struct{})
		b.provider.probes(func(context.Context) error {
			b.provider.probes(fails)
			close(probing)
			<-fail
			return errDown
		})
		b.suspend(call.Outcome{Reason: call.Unauthorized})
		<-probing
		s, _ := b.suspend(call.Outcome{Reason: call.Forbidden})
		want := time.Until(s.Until)
		close(fail)
		if got := b.opens(t); got < want {
			t.Errorf("it is dialled after %s, want %s or more", got, want)
		}
	})
}
