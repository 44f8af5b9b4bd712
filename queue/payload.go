package queue

import (
	"errors"
	"fmt"
)

// MinPayload is the smallest max_payload of the broker with which every outcome of a
// call can be written. A record grows by its attempts up to 128 KiB, and its copy in
// a schedule and its dead letter have headers besides: where a claim fits and its
// outcome does not, a phone has rung and no record shows it.
const MinPayload = 256 << 10

// ErrPayloadTooSmall reports that the broker refuses what may have to be written.
var ErrPayloadTooSmall = errors.New("max_payload of the NATS server is too small")

// CheckMaxPayload returns an error if the broker takes only small messages. It asks
// nothing: the broker announces its limit when the connection is made.
func (c *Conn) CheckMaxPayload() error {
	if limit := c.nc.MaxPayload(); limit < MinPayload {
		return fmt.Errorf("%w: it is %d bytes, and what becomes of a call may take %d: set max_payload there to that or more (its default is 1 MB)", ErrPayloadTooSmall, limit, MinPayload)
	}
	return nil
}
