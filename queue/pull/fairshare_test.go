package pull

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/ringonce/ringonce/call"
)

func TestOrderOfRequests(t *testing.T) {
	for _, c := range []struct {
		name    string
		deficit [priorities]float64
		n       int
		want    []request
	}{
		{"no deficit", [3]float64{}, 5, []request{{0, 5}, {1, 5}, {2, 5}}},
		{"deficits below one", [3]float64{0, 0.9, 0.99}, 1, []request{{0, 1}, {1, 1}, {2, 1}}},
		{"bulk has a deficit of one", [3]float64{0, 0.5, 1}, 1, []request{{2, 1}, {0, 1}, {1, 1}, {2, 1}}},
		{"both have a deficit of one, for one call", [3]float64{0, 1.2, 1.9}, 1, []request{{1, 1}, {0, 1}, {1, 1}, {2, 1}}},
		{"deficits of some, for many calls", [3]float64{0, 2.5, 3.2}, 64, []request{{1, 2}, {2, 3}, {0, 64}, {1, 64}, {2, 64}}},
		{"a larger deficit than there are calls", [3]float64{0, 2, 7}, 4, []request{{1, 2}, {2, 2}, {0, 4}, {1, 4}, {2, 4}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fairShare{share: 0.05, deficit: c.deficit}
			if got := f.order(c.n); !slices.Equal(got, c.want) {
				t.Errorf("requests %v, want %v", got, c.want)
			}
			if f.deficit != c.deficit {
				t.Error("order alone changes a deficit")
			}
		})
	}
}

// serve has endless work in some priorities, and returns how many calls of each are
// served in so many rounds of n calls.
func serve(f *fairShare, has [priorities]bool, rounds, n int) (served [priorities]int) {
	for range rounds {
		left := n
		for _, r := range f.order(n) {
			if left == 0 {
				break
			}
			if !has[r.rank] {
				f.served(r.rank, 0)
				f.exhausted(r.rank)
				continue
			}
			k := min(r.n, left)
			f.served(r.rank, k)
			served[r.rank] += k
			left -= k
		}
	}
	return served
}

// TestShares hold whatever else there is, and for rounds of any size; a priority
// that is alone gets everything.
func TestShares(t *testing.T) {
	const calls = 64 * 1000
	for _, c := range []struct {
		has  [priorities]bool
		want func(share float64) [priorities]float64
	}{
		{[3]bool{true, true, true}, func(l float64) [3]float64 { return [3]float64{1 - 2*l, l, l} }},
		{[3]bool{true, true, false}, func(l float64) [3]float64 { return [3]float64{1 - l, l, 0} }},
		{[3]bool{true, false, true}, func(l float64) [3]float64 { return [3]float64{1 - l, 0, l} }},
		{[3]bool{false, true, true}, func(l float64) [3]float64 { return [3]float64{0, 1 - l, l} }},
		{[3]bool{true, false, false}, func(float64) [3]float64 { return [3]float64{1, 0, 0} }},
		{[3]bool{false, true, false}, func(float64) [3]float64 { return [3]float64{0, 1, 0} }},
		{[3]bool{false, false, true}, func(float64) [3]float64 { return [3]float64{0, 0, 1} }},
	} {
		for _, share := range []float64{0, 0.01, 0.05, 0.25} {
			for _, n := range []int{1, 3, 64} {
				t.Run(fmt.Sprint(c.has, share, n), func(t *testing.T) {
					served := serve(&fairShare{share: share}, c.has, calls/n, n)
					for rank, want := range c.want(share) {
						if got := float64(served[rank]) / float64(calls/n*n); math.Abs(got-want) > 0.002 {
							t.Errorf("%s gets %.4f of the calls, want %.4f", call.Priorities()[rank], got, want)
						}
					}
				})
			}
		}
	}
}

// TestNoShareIsSavedUp while there is nothing to use it for.
func TestNoShareIsSavedUp(t *testing.T) {
	f := fairShare{share: 0.05}
	serve(&f, [3]bool{true, false, false}, 10000, 1)
	if served := serve(&f, [3]bool{true, true, true}, 100, 1); served[1] > 6 || served[2] > 6 {
		t.Errorf("of 100 calls after a long time without any: %v", served)
	}
}
