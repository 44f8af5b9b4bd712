package ratelimit

import "time"

// maxDrift bounds how fast the clocks of two machines part.
const maxDrift = 100 * time.Microsecond // in a second

// clockSample is what the broker's clock and ours showed at the same instant. Our
// monotonic clock carries it forward, so that setting this machine's clock moves
// no slot.
type clockSample struct {
	local, broker time.Time
	// bound is how far off it may be: the broker read its clock somewhere between
	// request and response.
	bound time.Duration
}

// newSample assumes that the broker read its clock halfway.
func newSample(sent, received, broker time.Time) clockSample {
	half := received.Sub(sent) / 2
	return clockSample{local: sent.Add(half), broker: broker, bound: half}
}

// toBroker returns what the broker's clock shows at an instant of ours.
func (s clockSample) toBroker(local time.Time) time.Time { return s.broker.Add(local.Sub(s.local)) }

// toLocal returns what ours shows at an instant of the broker's.
func (s clockSample) toLocal(broker time.Time) time.Time { return s.local.Add(broker.Sub(s.broker)) }

// offset returns how far the broker's clock is ahead of ours.
func (s clockSample) offset() time.Duration { return s.broker.Sub(s.local.Round(0)) }

// uncertainty returns how far off the sample may be at an instant of ours.
func (s clockSample) uncertainty(local time.Time) time.Duration {
	return s.bound + time.Duration(local.Sub(s.local).Seconds()*float64(maxDrift))
}

// merge returns the more certain of this sample and a later one. If they
// contradict each other, the broker's clock was set, or this is another broker:
// then the later one holds.
func (s clockSample) merge(later clockSample) (merged clockSample, contradicted bool) {
	apart := later.broker.Sub(s.toBroker(later.local)).Abs()
	uncertainty := s.uncertainty(later.local)
	switch {
	case apart > uncertainty+later.bound:
		return later, true
	case later.bound <= uncertainty:
		return later, false
	default:
		return s, false
	}
}
