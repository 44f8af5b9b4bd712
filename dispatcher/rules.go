package dispatcher

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
)

// Settings are what a worker decides by.
type Settings struct {
	Retry    RetrySettings
	MaxAge   time.Duration // request.max_age
	Keep     time.Duration // records.keep
	Numbers  call.NumberCheck
	Defaults call.Defaults
	// CallerIDs is the worker's memory of numbers that it checked; nil is none.
	CallerIDs *call.CallerIDCache

	// ClaimDeadline is how long after the instant before its claim a request
	// may still be written to the provider.
	ClaimDeadline time.Duration
	// ClaimWait is how long a claim of another worker is respected
	// before its call is held as unknown: the claim deadline, the request
	// time-out and a margin.
	ClaimWait time.Duration
}

// RetrySettings says how long to wait between attempts.
type RetrySettings struct {
	InitialDelay time.Duration
	Multiplier   float64
	MaxDelay     time.Duration
	MaxAttempts  int // attempts spent, then attempts_exhausted
}

// Delays that no configuration sets.
const (
	// lookupRetry is when a call whose linkage could not be looked up is tried
	// again.
	lookupRetry = 5 * time.Second
	// failedFirst and failedMost bound how long a request is handed back for
	// whose record could not be written, or may still arrive, growing with its
	// deliveries: an outage of the records must not count up to poison.
	failedFirst = 2 * time.Second
	failedMost  = 5 * time.Minute
	// stoppedRetry hands back what met a suspension; it is not pulled again
	// before that is over.
	stoppedRetry = time.Second
	// rateLimitedFirst and rateLimitedMost bound the wait after a 429 that
	// names none, doubling in between.
	rateLimitedFirst = time.Minute
	rateLimitedMost  = time.Hour
	// poisonDeliveries is how often a request may be delivered without leaving
	// a record: something kills workers before they can write one. It takes
	// requests whose records cannot be written more than a day to come to it.
	poisonDeliveries = 300
)

// delay is how long to wait after this many attempts were spent. It is a
// function of the number, not an object with a memory, and is clamped after
// the jitter.
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

// failedRetry is how long a request is handed back for that was delivered so
// often.
func failedRetry(delivered uint64) time.Duration {
	return doubling(failedFirst, failedMost, int(min(delivered, poisonDeliveries))-1)
}

// doubling grows from first to most with the number of times before.
func doubling(first, most time.Duration, times int) time.Duration {
	d := first
	for range min(times, 32) {
		if d >= most {
			return most
		}
		d *= 2
	}
	return min(d, most)
}
