package queue

import "github.com/ringonce/ringonce/call"

// priorities is how many there are; rank 0 is the most pressing.
const priorities = 3

// ranks gives the priorities by rank.
var ranks = [priorities]call.Priority{call.Urgent, call.Normal, call.Bulk}

// turns decides which priority of an account is asked next, and for how much.
// The most pressing goes first, but every other one is owed a least share of
// the calls: what it is owed grows with every call, and is paid before the next
// ones. A priority that has nothing is owed nothing, so that no share is saved
// up for a burst.
type turns struct {
	least float64 // of 1; 0 lets a lower priority wait for ever
	owed  [priorities]float64
}

// ask is one question: at most so many of that rank.
type ask struct{ rank, most int }

// plan gives the questions for n calls, in order. Whoever asks stops when it
// has n.
func (t *turns) plan(n int) []ask {
	asks := make([]ask, 0, 2*priorities-1)
	left := n
	for rank := 1; rank < priorities; rank++ {
		if due := min(int(t.owed[rank]), left); due > 0 {
			asks = append(asks, ask{rank, due})
			left -= due
		}
	}
	// All are asked even then: what is owed may turn out not to be there.
	for rank := range priorities {
		asks = append(asks, ask{rank, n})
	}
	return asks
}

// took notes that so many calls of a rank were taken.
func (t *turns) took(rank, n int) {
	for other := 1; other < priorities; other++ {
		t.owed[other] += float64(n) * t.least
	}
	t.owed[rank] = max(t.owed[rank]-float64(n), 0)
}

// empty notes that a rank has nothing more.
func (t *turns) empty(rank int) { t.owed[rank] = 0 }
