package dispatcher

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
)

// Settings are what requests are decided by.
type Settings struct {
	Retry    RetrySettings
	MaxAge   time.Duration // request.max_age
	Keep     time.Duration // records.keep
	Numbers  call.NumberCheck
	Defaults call.Defaults
	// CallerIDs caches numbers that were checked; it may be nil.
	CallerIDs *call.CallerIDCache

	// ClaimDeadline is how long a request may still be written to the provider,
	// from an instant before its claim on.
	ClaimDeadline time.Duration
	// ClaimWait is how long a claim of another worker is respected before its
	// call becomes unknown: the claim deadline, the request time-out and a margin.
	ClaimWait time.Duration
}

// RetrySettings are the delays between attempts.
type RetrySettings struct {
	InitialDelay time.Duration
	Multiplier   float64
	MaxDelay     time.Duration
	MaxAttempts  int // attempts spent, then attempts_exhausted
}

// Delays that no configuration sets.
const (
	// lookupDelay is how long a call waits whose linkage could not be looked up.
	lookupDelay = 5 * time.Second
	// initialNakDelay and maxNakDelay bound the delay of a nak for a request whose
	// record could not be written, or may still arrive. The delay grows with its
	// deliveries: an outage of the records must not count up to poison.
	initialNakDelay = 2 * time.Second
	maxNakDelay     = 5 * time.Minute
	// suspendedDelay is the delay of a nak for a request that met a suspension; it
	// is not pulled again before the suspension is over.
	suspendedDelay = time.Second
	// initialRateLimitDelay and maxRateLimitDelay bound the wait after a 429
	// without Retry-After, doubling in between.
	initialRateLimitDelay = time.Minute
	maxRateLimitDelay     = time.Hour
	// poisonDeliveries is how often a request may be delivered without leaving
	// a record: it kills workers before they can write one. A request whose record
	// cannot be written takes more than a day to get there.
	poisonDeliveries = 300
)

// delay returns how long to wait after this many attempts were spent. It is
// clamped after the jitter.
func (r RetrySettings) delay(spent int) time.Duration {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(r.InitialDelay), backoff.WithMultiplier(r.Multiplier),
		backoff.WithMaxInterval(r.MaxDelay), backoff.WithMaxElapsedTime(0),
	)
	const enough = 64 // intervals grow no further long before
	d := b.NextBackOff()
	for range min(spent, enough) - 1 {
		d = b.NextBackOff()
	}
	return min(d, r.MaxDelay)
}

// nakDelay returns the delay of a nak for a request that was delivered so often.
func nakDelay(delivered uint64) time.Duration {
	return exponential(initialNakDelay, maxNakDelay, int(min(delivered, poisonDeliveries))-1)
}

// exponential returns initial, doubled that many times, and at most limit.
func exponential(initial, limit time.Duration, times int) time.Duration {
	d := initial
	for range min(times, 32) {
		if d >= limit {
			return limit
		}
		d *= 2
	}
	return min(d, limit)
}
