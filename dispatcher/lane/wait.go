package lane

import (
	"context"
	"time"
)

const (
	// maxWait bounds how long a request that was pulled waits here; then others
	// may have it.
	maxWait = 2 * time.Second
	// maxSlotWait bounds how long a claimed call waits for another rate slot, if
	// the claim took so long that it missed its own.
	maxSlotWait = 250 * time.Millisecond
)

// Wait waits until the call may be claimed. It reports false if that takes too
// long, or the lane no longer admits the call: then the request is nakked.
func (p *Permit) Wait(ctx context.Context) bool {
	l := p.lane
	if p.granted { // the claim was lost, and is made again
		p.begun = l.cfg.Now()
		_, open := p.isOpen()
		return open
	}
	if p.tryWait() {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if !p.acquire(ctx, l.head) {
		return false
	}
	defer func() { <-l.head }()
	if !p.acquire(ctx, l.postSlots) {
		return false
	}
	for {
		granted, open, at := p.tryGrant()
		switch {
		case granted:
			return true
		case !open:
			<-l.postSlots
			return false
		case at.IsZero():
			l.reserve(ctx, 1)
		default:
			p.sleep(ctx, at)
		}
		if ctx.Err() != nil {
			<-l.postSlots
			return false
		}
	}
}

// tryWait is granted if nothing has to be waited for.
func (p *Permit) tryWait() bool {
	l := p.lane
	select {
	case l.head <- struct{}{}:
		defer func() { <-l.head }()
	default:
		return false
	}
	select {
	case l.postSlots <- struct{}{}:
	default:
		return false
	}
	granted, _, _ := p.tryGrant()
	if !granted {
		<-l.postSlots
	}
	return granted
}

// acquire waits for room in a channel while the lane admits the call.
func (p *Permit) acquire(ctx context.Context, slots chan struct{}) bool {
	for {
		changed, open := p.isOpen()
		if !open || ctx.Err() != nil {
			return false
		}
		select {
		case slots <- struct{}{}:
			return true
		default:
		}
		select {
		case slots <- struct{}{}:
			return true
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// isOpen reports whether the lane admits the call; changed is closed when that
// may change.
func (p *Permit) isOpen() (changed <-chan struct{}, open bool) {
	l := p.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed, l.admits(p, l.cfg.Now())
}

// tryGrant takes the next rate slot if it is close enough. If not, at is when to
// try again; zero if slots have to be reserved first. The caller holds a POST slot.
func (p *Permit) tryGrant() (granted, open bool, at time.Time) {
	l := p.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	if !l.admits(p, now) {
		return false, false, time.Time{}
	}
	if l.cfg.CallsPerSecond > 0 {
		l.cfg.Metrics.SlotsUnused(l.pacer.expire(now))
		if p.slot, at = l.pacer.next(now); p.slot.IsZero() {
			return false, true, at
		}
		l.cfg.Metrics.SlotWait(now.Sub(p.begun))
	}
	p.granted, p.begun = true, now
	l.pulled--
	l.posting++
	l.cfg.Metrics.InFlight(1)
	return true, true, time.Time{}
}

// sleep waits until a time, the end of ctx, or a change of the lane. It returns at
// once if the lane no longer admits the call.
func (p *Permit) sleep(ctx context.Context, until time.Time) {
	changed, open := p.isOpen()
	if !open {
		return
	}
	select {
	case <-time.After(until.Sub(p.lane.cfg.Now())):
	case <-changed:
	case <-ctx.Done():
	}
}

// WaitSlot waits for the permit's rate slot; the call is claimed. It reports false
// if the claim took so long that the slot is past and no other is close: then
// nothing may be dialled. A change of the lane comes too late for it.
func (p *Permit) WaitSlot(ctx context.Context) bool {
	l := p.lane
	claimed := l.cfg.Now()
	if l.cfg.CallsPerSecond == 0 {
		p.begun = claimed
		return true
	}
	l.mu.Lock()
	l.pacer.onClaimed(claimed.Sub(p.begun))
	l.mu.Unlock()
	for {
		now := l.cfg.Now()
		switch late := now.Sub(p.slot); {
		case late > l.pacer.maxLate:
			if !p.replaceSlot(ctx, claimed.Add(maxSlotWait)) {
				return false
			}
		case late >= 0:
			p.slot, p.begun = time.Time{}, now
			return true
		default:
			select {
			case <-time.After(-late):
			case <-ctx.Done():
				return false
			}
		}
	}
}

// replaceSlot replaces a rate slot that was missed by another that comes soon.
func (p *Permit) replaceSlot(ctx context.Context, by time.Time) bool {
	l := p.lane
	take := func() (ok bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cfg.Metrics.SlotsUnused(l.pacer.expire(l.cfg.Now()))
		p.slot, ok = l.pacer.take(by)
		return ok
	}
	l.cfg.Metrics.SlotsUnused(1)
	if take() {
		return true
	}
	l.reserve(ctx, 1)
	return take()
}
