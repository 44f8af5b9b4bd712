package call

import (
	"fmt"
	"sync"
	"testing"
)

// TestCachedCallerIDGetsTheSameResult under both policies, whether it
// was seen before or not.
func TestCachedCallerIDGetsTheSameResult(t *testing.T) {
	numbers := []string{"+919876543210", "+14155552671", "+9112345", "+910000000000", "+4401212345678", "", "+1", "919876543210", "+911234567890"}
	for _, first := range []NumberCheck{PossibleNumbers, AssignedNumbers} {
		var known CallerIDCache
		for _, check := range []NumberCheck{first, PossibleNumbers, AssignedNumbers} {
			for _, s := range numbers {
				want, wantAssigned, wantErr := ParsePhone(s, check)
				got, assigned, err := known.parse(s, check)
				if got != want || assigned != wantAssigned || err != wantErr { //nolint:errorlint // the very same
					t.Errorf("a number of %d characters under %s: %v, %v, %v; want %v, %v, %v",
						len(s), check, got, assigned, err, want, wantAssigned, wantErr)
				}
			}
		}
		if len(known.assigned) == 0 {
			t.Error("nothing was remembered")
		}
	}
}

// TestCallerIDCacheIsBounded, for any caller IDs, and for many readers at once.
func TestCallerIDCacheIsBounded(t *testing.T) {
	var known CallerIDCache
	var asking sync.WaitGroup
	for g := range 4 {
		asking.Go(func() {
			for i := range maxCachedCallerIDs {
				if _, _, err := known.parse(fmt.Sprintf("+9198%08d", g*maxCachedCallerIDs+i), PossibleNumbers); err != nil {
					t.Error(err)
				}
			}
		})
	}
	asking.Wait()
	if n := len(known.assigned); n == 0 || n > maxCachedCallerIDs {
		t.Errorf("%d are remembered", n)
	}
}

func TestNilCallerIDCache(t *testing.T) {
	var none *CallerIDCache
	for range 2 {
		if _, assigned, err := none.parse("+919876543210", PossibleNumbers); err != nil || !assigned {
			t.Errorf("%v, %v", assigned, err)
		}
	}
}
