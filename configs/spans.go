package configs

import "time"

// ClaimDeadline is the time from the instant before a claim was published until
// the last moment at which its request may be written. Two connect timeouts:
// one for the broker's acknowledgement of the claim, one for the connection to
// the provider. A worker that was stopped for longer writes nothing.
func (p Provider) ClaimDeadline() time.Duration {
	return 2 * p.ConnectTimeout
}

// ForeignClaimWait is how long a worker that sees another worker's claim waits,
// from first seeing it, before it records the call as unknown: the claim
// deadline, then the whole request, then one connect timeout as a margin for
// recording its outcome. By then the claim's owner can neither write the
// request any more nor still be waiting for its answer.
func (p Provider) ForeignClaimWait() time.Duration {
	return p.ClaimDeadline() + p.RequestTimeout + p.ConnectTimeout
}

// AckWait is how long the broker waits for an acknowledgement before it
// delivers a request again: as long as a worker that is alive may need for it.
func (p Provider) AckWait() time.Duration {
	return p.ForeignClaimWait()
}

// keepMargin is what Records.Keep must have beyond Request.MaxAge. The last
// attempt may be claimed when a request is just below its greatest age, and
// whoever waits for that claim must still find the record; the hour is for
// clocks that disagree and for a broker that was away.
func (p Provider) keepMargin() time.Duration {
	return p.ForeignClaimWait() + time.Hour
}
