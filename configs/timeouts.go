package configs

import "time"

// ClaimDeadline is the time from the instant before a claim is published until
// the last moment at which its request may be written. Two connect timeouts:
// one for the broker's acknowledgement of the claim, one for the connection to
// the provider. A worker that was suspended for longer writes nothing.
func (p Provider) ClaimDeadline() time.Duration { return 2 * p.ConnectTimeout }

// ClaimWait is how long a worker that sees another worker's claim waits, from
// first seeing it, before it records the call as unknown: the claim deadline,
// the whole request, and one connect timeout for recording the outcome. By then
// the owner of the claim can neither write the request nor wait for its answer.
func (p Provider) ClaimWait() time.Duration {
	return p.ClaimDeadline() + p.RequestTimeout + p.ConnectTimeout
}

// AckWait is how long the broker waits for an acknowledgement before it
// redelivers a request: as long as a live worker may need for it.
func (p Provider) AckWait() time.Duration { return p.ClaimWait() }

// retentionMargin is what Records.Keep must exceed Request.MaxAge by. The last
// attempt may be claimed when a request has just not expired, and a worker that
// waits for that claim must still find the record; the hour is for clock
// differences and for a broker that was down.
func (p Provider) retentionMargin() time.Duration { return p.ClaimWait() + time.Hour }
