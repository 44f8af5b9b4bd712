package lane

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// mayClaim reports whether a call that was just pulled may be claimed.
func mayClaim(l *Lane) bool {
	p := l.Acquire()
	defer p.Release()
	return p.Wait(context.Background())
}

// asked is capacity that is waited for in the background.
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
		t.Errorf("capacity for %d, want %d", got, want)
	}
}

// TestALaneStartsClosed until the flags are known, the records are verified and the
// directory has been fetched.
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

func TestWaitCapacityEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if n, _ := openLane(4, 0).WaitCapacity(ctx); n != 0 {
			t.Errorf("capacity for %d", n)
		}
	})
}

func TestCapacityIsWhatIsNotInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(2, 0)
		first := l.Acquire()
		if n, _ := l.WaitCapacity(t.Context()); n != 1 {
			t.Errorf("capacity for %d", n)
		}
		l.Acquire()
		a := ask(t, l)
		a.is(t, -1)
		first.Release()
		a.is(t, 1)
	})
}

// TestTheLaneWaitsForTheBreaker opens it by reports, and lets one call probe.
func TestTheLaneWaitsForTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLane(8, 0)
		dial := func(o call.Outcome) {
			p := l.Acquire()
			p.Report(o)
			p.Release()
		}
		_, revoked := l.WaitCapacity(t.Context())
		for range maxRefusals {
			dial(sickOutcome)
		}
		select {
		case <-revoked:
		default:
			t.Error("the permit was not revoked")
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
			t.Errorf("capacity for %d when the ramp begins", n)
		}
	})
}
