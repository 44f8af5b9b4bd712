package simulator

import (
	"testing"
	"time"
)

func TestLimitAllowsOneSecondsWorthThenTheRate(t *testing.T) {
	var l rateLimiter
	l.set(5)
	start := time.Unix(1_000_000, 0)
	for i := range 5 {
		if _, ok := l.allow(start); !ok {
			t.Fatalf("call %d of the first second was refused", i+1)
		}
	}
	wait, ok := l.allow(start)
	if ok || wait != 200*time.Millisecond {
		t.Fatalf("sixth call: ok %t, wait %s; want a refusal for 200ms", ok, wait)
	}
	if _, ok := l.allow(start.Add(wait)); !ok {
		t.Fatal("refused after the wait that was asked for")
	}
	if _, ok := l.allow(start.Add(wait)); ok {
		t.Fatal("a second call passed on one call's allowance")
	}
}

func TestLimitBelowOnePerSecond(t *testing.T) {
	var l rateLimiter
	l.set(0.5)
	start := time.Unix(1_000_000, 0)
	if _, ok := l.allow(start); !ok {
		t.Fatal("the first call was refused")
	}
	if wait, ok := l.allow(start); ok || wait != 2*time.Second {
		t.Fatalf("second call: ok %t, wait %s; want a refusal for 2s", ok, wait)
	}
}

func TestLimitZeroIsNone(t *testing.T) {
	var l rateLimiter
	at := time.Unix(1_000_000, 0)
	for range 1000 {
		if _, ok := l.allow(at); !ok {
			t.Fatal("refused without a limit")
		}
	}
}
