package pull

// priorities is how many there are, as [call.Priorities] lists them; rank 0 is the
// most pressing.
const priorities = 3

// fairShare decides which priority of an account is asked next, and for how much:
// a deficit round robin. The most pressing goes first, but each other one has a
// share of the calls: its deficit grows with every call, and is served before the
// next ones. A priority that has nothing has no deficit, so that no share is saved
// up for a burst.
type fairShare struct {
	share   float64 // of 1; 0 lets a lower priority wait for ever
	deficit [priorities]float64
}

// request asks the sources of one priority for at most n.
type request struct{ rank, n int }

// order returns the requests for n calls, the first first. The caller stops when
// it has n.
func (f *fairShare) order(n int) []request {
	requests := make([]request, 0, 2*priorities-1)
	left := n
	for rank := 1; rank < priorities; rank++ {
		if due := min(int(f.deficit[rank]), left); due > 0 {
			requests = append(requests, request{rank, due})
			left -= due
		}
	}
	// All are asked even then: a priority with a deficit may have nothing.
	for rank := range priorities {
		requests = append(requests, request{rank, n})
	}
	return requests
}

// served notes that n calls of a rank were fetched.
func (f *fairShare) served(rank, n int) {
	for other := 1; other < priorities; other++ {
		f.deficit[other] += float64(n) * f.share
	}
	f.deficit[rank] = max(f.deficit[rank]-float64(n), 0)
}

// exhausted notes that a rank has nothing more.
func (f *fairShare) exhausted(rank int) { f.deficit[rank] = 0 }
