package lane

import (
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// Permit admits one call. It is acquired when a request was pulled. Wait makes it
// the right to claim the call, with a POST slot and a rate slot, and WaitSlot the
// right to dial, when the rate slot has come. The POST slot is free again when the
// POST has ended; its outcome is settled without one.
//
//	Acquire ── Wait ── (claim) ── WaitSlot ── (POST) ── Report ── (settle) ── Release
//	  pulled    │      a POST slot, a rate slot           │
//	            └ false: nak it                           └ the POST slot is free
type Permit struct {
	lane  *Lane
	probe probe

	granted  bool // it has a POST slot
	freed    bool // and has given it back
	reported bool
	slot     time.Time // reserved for it; zero without a limit, or once used
	begun    time.Time // pulled, then granted, then dialled
}

// Acquire returns a permit for a request that was pulled. The caller releases it.
func (l *Lane) Acquire() *Permit {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pulled++
	l.permits++
	return &Permit{lane: l, probe: l.breaker.begin(), begun: l.cfg.Now()}
}

// IsProbe reports whether the call probes for the whole account whether calls go
// through again.
func (p *Permit) IsProbe() bool { return p.probe != 0 }

// Report reports to the lane, and through it to the other workers, what the attempt
// came to. The POST slot is free now, unless the outcome has yet to suspend or throttle
// the lane. A probe that is refused spends no attempt: it was made to find out
// about the provider, and while no calls go through, nothing is held against it.
func (p *Permit) Report(o call.Outcome) call.Outcome {
	l := p.lane
	p.reported = true
	var event call.PeerEventKind
	opened := l.update(func(now time.Time) bool {
		open := l.breaker.open
		event = l.breaker.report(o, p.probe, now, jitter(), l.cfg.Concurrency)
		l.prefetch.onPostEnded(now, now.Sub(p.begun))
		if o.Class != call.Suspended && !o.ThrottlesAccount {
			p.freePostSlot()
		}
		return l.breaker.open && !open
	})
	if opened {
		l.cfg.Log.Warn("the provider does not take calls; nothing is dialled until it does", "account", l.cfg.Account, "last", o.Reason)
	}
	if event == "" {
		return o
	}
	succeeded := event == call.ProbeSucceeded
	l.cfg.Metrics.Probed(metrics.ProbeCall, succeeded)
	if succeeded {
		l.cfg.Log.Info("the provider takes calls again", "account", l.cfg.Account)
	}
	if event == call.ProbeRefused {
		o.Unspent = true
	}
	l.NotifyPeers(call.PeerEvent{Kind: event})
	return o
}

// Release gives back what the permit has not used.
func (p *Permit) Release() {
	l := p.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.granted {
		l.pulled--
	}
	l.permits--
	if !p.slot.IsZero() {
		l.pacer.add(p.slot)
	}
	if !p.reported {
		l.breaker.cancelProbe(p.probe)
	}
	p.freePostSlot()
	l.signalFree()
}

// freePostSlot gives the POST slot back. The caller holds the lock.
func (p *Permit) freePostSlot() {
	if !p.granted || p.freed {
		return
	}
	p.freed = true
	l := p.lane
	l.posting--
	<-l.postSlots
	l.cfg.Metrics.InFlight(-1)
	l.signalFree()
}
