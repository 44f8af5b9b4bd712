package simulator

import (
	"slices"
	"time"
)

// Second is the second in which most POSTs of an organisation arrived, of all
// seconds, wherever they begin.
type Second struct {
	Posts int       `json:"posts"`
	From  time.Time `json:"from"`
}

// pulse follows the POSTs of one organisation. It keeps only the last of them,
// so that it can be asked after long runs, too.
type pulse struct {
	lately  []time.Time // in order
	busiest Second
}

// post takes in when a POST arrived. They may come a little out of order: each
// is read by a goroutine of its own.
func (p *pulse) post(at time.Time) {
	i := len(p.lately)
	for i > 0 && p.lately[i-1].After(at) {
		i--
	}
	p.lately = slices.Insert(p.lately, i, at)
	// Of the seconds that it lies in, only those that end with a POST matter.
	for ; i < len(p.lately) && p.lately[i].Sub(at) < time.Second; i++ {
		from := p.after(p.lately[i].Add(-time.Second))
		if n := i + 1 - from; n > p.busiest.Posts {
			p.busiest = Second{Posts: n, From: p.lately[from]}
		}
	}
	// Two seconds are enough for what comes out of order. They are cut off once
	// in a while: moving all for each POST would cost more than the rest.
	if old := p.after(at.Add(-2 * time.Second)); old > len(p.lately)/2 {
		p.lately = slices.Delete(p.lately, 0, old)
	}
}

// after gives the first that came after a time.
func (p *pulse) after(t time.Time) int {
	i, _ := slices.BinarySearchFunc(p.lately, t, func(at, t time.Time) int {
		if at.After(t) {
			return 1
		}
		return -1
	})
	return i
}
