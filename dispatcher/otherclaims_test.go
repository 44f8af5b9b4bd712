package dispatcher

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestOtherClaims watches nonces on a clock that only this worker has.
func TestOtherClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c otherClaims
		since := func(nonce string, want time.Duration) {
			t.Helper()
			if got := c.age(nonce, time.Now()); got != want {
				t.Errorf("%s was seen %s ago, want %s", nonce, got, want)
			}
		}
		since("a", 0)
		<-time.After(time.Second)
		since("a", time.Second)
		since("b", 0)
		<-time.After(time.Second)
		since("a", 2*time.Second)
		since("b", time.Second)
		c.forget("a")
		since("a", 0)
	})
}

// TestOtherClaimsAreBounded pushes out the one that was seen first: it only waits
// longer.
func TestOtherClaimsAreBounded(t *testing.T) {
	var c otherClaims
	for n := range maxOtherClaims + 1 {
		c.age(string(call.GeneratedID(call.Origin{Sequence: uint64(n), Published: noon})), noon.Add(time.Duration(n)))
	}
	if len(c.seen) != maxOtherClaims {
		t.Errorf("%d claims are watched", len(c.seen))
	}
	first := string(call.GeneratedID(call.Origin{Published: noon}))
	second := string(call.GeneratedID(call.Origin{Sequence: 1, Published: noon}))
	if got := c.age(second, noon.Add(time.Hour)); got != time.Hour-1 {
		t.Errorf("the second was seen %s ago", got)
	}
	if got := c.age(first, noon.Add(time.Hour)); got != 0 {
		t.Errorf("the first was seen %s ago", got)
	}
}
