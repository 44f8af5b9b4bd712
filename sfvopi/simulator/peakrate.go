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

// peakMeter tracks the POSTs of one organisation. It keeps only the last of them,
// so that its size does not grow with the run.
type peakMeter struct {
	recent []time.Time // in order
	peak   Second
}

// add records when a POST arrived. They may come a little out of order: each
// is read by a goroutine of its own.
func (p *peakMeter) add(at time.Time) {
	i := len(p.recent)
	for i > 0 && p.recent[i-1].After(at) {
		i--
	}
	p.recent = slices.Insert(p.recent, i, at)
	// Of the seconds that it lies in, only those that end with a POST matter.
	for ; i < len(p.recent) && p.recent[i].Sub(at) < time.Second; i++ {
		from := p.indexAfter(p.recent[i].Add(-time.Second))
		if n := i + 1 - from; n > p.peak.Posts {
			p.peak = Second{Posts: n, From: p.recent[from]}
		}
	}
	// Two seconds are enough for what comes out of order. They are cut off once
	// in a while: moving all for each POST would cost more than the rest.
	if old := p.indexAfter(at.Add(-2 * time.Second)); old > len(p.recent)/2 {
		p.recent = slices.Delete(p.recent, 0, old)
	}
}

// indexAfter returns the index of the first POST after t.
func (p *peakMeter) indexAfter(t time.Time) int {
	i, _ := slices.BinarySearchFunc(p.recent, t, func(at, t time.Time) int {
		if at.After(t) {
			return 1
		}
		return -1
	})
	return i
}
