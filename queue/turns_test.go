package queue

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name string
		owed [priorities]float64
		n    int
		want []ask
	}{
		{"nobody is owed", [3]float64{}, 5, []ask{{0, 5}, {1, 5}, {2, 5}}},
		{"less than one is owed", [3]float64{0, 0.9, 0.99}, 1, []ask{{0, 1}, {1, 1}, {2, 1}}},
		{"bulk is owed one", [3]float64{0, 0.5, 1}, 1, []ask{{2, 1}, {0, 1}, {1, 1}, {2, 1}}},
		{"both are owed one, and there is one", [3]float64{0, 1.2, 1.9}, 1, []ask{{1, 1}, {0, 1}, {1, 1}, {2, 1}}},
		{"both are owed some of many", [3]float64{0, 2.5, 3.2}, 64, []ask{{1, 2}, {2, 3}, {0, 64}, {1, 64}, {2, 64}}},
		{"more is owed than there is", [3]float64{0, 2, 7}, 4, []ask{{1, 2}, {2, 2}, {0, 4}, {1, 4}, {2, 4}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			turns := turns{least: 0.05, owed: c.owed}
			if got := turns.plan(c.n); !slices.Equal(got, c.want) {
				t.Errorf("asks %v, want %v", got, c.want)
			}
			if turns.owed != c.owed {
				t.Error("a plan alone pays something")
			}
		})
	}
}

// dialled has endless work in some priorities, and gives how many calls of
// each were made of so many permits for n calls.
func dialled(t *turns, has [priorities]bool, permits, n int) (made [priorities]int) {
	for range permits {
		left := n
		for _, ask := range t.plan(n) {
			if left == 0 {
				break
			}
			if !has[ask.rank] {
				t.took(ask.rank, 0)
				t.empty(ask.rank)
				continue
			}
			k := min(ask.most, left)
			t.took(ask.rank, k)
			made[ask.rank] += k
			left -= k
		}
	}
	return made
}

// TestLeastShares hold whatever else there is, and for permits of any size; and
// whoever is alone gets everything.
func TestLeastShares(t *testing.T) {
	const calls = 64 * 1000
	for _, c := range []struct {
		has  [priorities]bool
		want func(least float64) [priorities]float64
	}{
		{[3]bool{true, true, true}, func(l float64) [3]float64 { return [3]float64{1 - 2*l, l, l} }},
		{[3]bool{true, true, false}, func(l float64) [3]float64 { return [3]float64{1 - l, l, 0} }},
		{[3]bool{true, false, true}, func(l float64) [3]float64 { return [3]float64{1 - l, 0, l} }},
		{[3]bool{false, true, true}, func(l float64) [3]float64 { return [3]float64{0, 1 - l, l} }},
		{[3]bool{true, false, false}, func(float64) [3]float64 { return [3]float64{1, 0, 0} }},
		{[3]bool{false, true, false}, func(float64) [3]float64 { return [3]float64{0, 1, 0} }},
		{[3]bool{false, false, true}, func(float64) [3]float64 { return [3]float64{0, 0, 1} }},
	} {
		for _, least := range []float64{0, 0.01, 0.05, 0.25} {
			for _, n := range []int{1, 3, 64} {
				t.Run(fmt.Sprint(c.has, least, n), func(t *testing.T) {
					made := dialled(&turns{least: least}, c.has, calls/n, n)
					for rank, want := range c.want(least) {
						if got := float64(made[rank]) / float64(calls/n*n); math.Abs(got-want) > 0.002 {
							t.Errorf("%s gets %.4f of the calls, want %.4f", ranks[rank], got, want)
						}
					}
				})
			}
		}
	}
}

// TestNoShareIsSavedUp while there is nothing to use it for.
func TestNoShareIsSavedUp(t *testing.T) {
	turns := turns{least: 0.05}
	dialled(&turns, [3]bool{true, false, false}, 10000, 1)
	if made := dialled(&turns, [3]bool{true, true, true}, 100, 1); made[1] > 6 || made[2] > 6 {
		t.Errorf("of 100 calls after a long time without any: %v", made)
	}
}
