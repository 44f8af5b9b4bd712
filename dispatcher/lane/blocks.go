package lane

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// blocks is what forbids dialling, beside the suspension and the breaker.
type blocks struct {
	stopping     bool  // the worker shuts down
	halted       error // why no account may dial
	flagsKnown   bool
	linkageKnown bool // the directory has been fetched at least once
	// lookupsRefused reports that the provider refused the last fetch that failed.
	lookupsRefused bool

	pause          *call.Pause
	numbers        call.PausedNumbers
	resumeRevision uint64
	throttledUntil time.Time // the provider asked for a delay until then
	throttleReason call.Reason
}

// blocked reports whether nothing may be dialled at all.
func (b *blocks) blocked() bool {
	return b.stopping || b.halted != nil || !b.flagsKnown || !b.linkageKnown || b.pause != nil
}

// blocksDial reports whether a claimed call from this number may not be dialled.
func (b *blocks) blocksDial(from call.Phone) bool {
	_, paused := b.numbers[from]
	return paused || b.halted != nil || !b.flagsKnown || b.pause != nil
}

// numberPaused reports whether the caller ID is paused, and since when.
func (b *blocks) numberPaused(from call.Phone) (since time.Time, paused bool) {
	pause, paused := b.numbers[from]
	return pause.Since, paused
}

func (b *blocks) throttled(now time.Time) bool { return now.Before(b.throttledUntil) }

// setFlags sets what the control flags say; nil if that is not known. Each
// resumption by an operator ends the throttle of before, once.
func (b *blocks) setFlags(flags *call.Blocks) {
	b.flagsKnown = flags != nil
	if flags == nil {
		return
	}
	if flags.ResumeRevision != 0 && flags.ResumeRevision != b.resumeRevision {
		b.throttledUntil = time.Time{}
	}
	b.pause, b.numbers, b.resumeRevision = flags.Pause, flags.Numbers, flags.ResumeRevision
}

// throttle extends the throttle, and reports whether that changed it.
func (b *blocks) throttle(until time.Time, reason call.Reason) bool {
	if !until.After(b.throttledUntil) {
		return false
	}
	b.throttledUntil, b.throttleReason = until, reason
	return true
}

// copyThrottle takes over the throttle of an earlier lane, unless an operator
// ended it since.
func (b *blocks) copyThrottle(from blocks) {
	if b.resumeRevision == 0 { // the flags are not known yet, or it was long ago
		b.resumeRevision = from.resumeRevision
	}
	if b.resumeRevision == from.resumeRevision {
		b.throttledUntil, b.throttleReason = from.throttledUntil, from.throttleReason
	}
}

// SetBlocks sets what the control flags say; nil if that is not known. The flags
// of another account are no reason to revoke pulls.
func (l *Lane) SetBlocks(flags *call.Blocks) {
	l.update(func(now time.Time) bool {
		blocked, suspended, throttled := l.blocked(), l.suspension.current, l.blocks.throttledUntil
		l.blocks.setFlags(flags)
		if flags != nil {
			l.suspension.setFlag(flags.Suspension, now)
		}
		return l.blocked() != blocked || l.suspension.current != suspended || !l.blocks.throttledUntil.Equal(throttled)
	})
}

// SetLinkageKnown is called when the directory has been fetched. Before that no
// request can be decided: each would only be put off, again and again, by every
// worker that starts while the provider is down.
func (l *Lane) SetLinkageKnown() {
	l.update(func(time.Time) bool {
		known := l.blocks.linkageKnown
		l.blocks.linkageKnown = true
		return !known
	})
}

// OnLookupFailed is called when the directory could not be fetched, with whether
// the provider refused it. [Lane.Status] says so while no number is known.
func (l *Lane) OnLookupFailed(refused bool) {
	l.update(func(time.Time) bool {
		l.blocks.lookupsRefused = refused
		return false
	})
}

// Halt stops the lane for a reason that holds for every account; nil ends that.
func (l *Lane) Halt(reason error) {
	l.update(func(time.Time) bool {
		halted := l.blocks.halted != nil
		l.blocks.halted = reason
		return halted != (reason != nil)
	})
}

// Stop ends all permits for good: the worker shuts down.
func (l *Lane) Stop() {
	l.update(func(time.Time) bool {
		l.blocks.stopping = true
		return true
	})
}

// Throttle delays the account, in every worker, because the provider asked for it.
func (l *Lane) Throttle(delay time.Duration, reason call.Reason) {
	e := call.PeerEvent{Kind: call.Throttled, Delay: delay, Reason: reason}
	l.OnPeerEvent(e)
	l.NotifyPeers(e)
}

// CopyStateFrom takes over what an earlier lane of the account, which has ended,
// had learned of the provider: the throttle and the state of the breaker.
func (l *Lane) CopyStateFrom(from *Lane) {
	from.mu.Lock()
	blocks, breaker := from.blocks, from.breaker
	from.mu.Unlock()
	breaker.cancelProbe(breaker.activeProbe)
	l.update(func(time.Time) bool {
		l.breaker = breaker
		l.blocks.copyThrottle(blocks)
		return true
	})
}
