package queue

import (
	"errors"
	"fmt"
)

// MinPayload is the least max_payload of the broker with which whatever becomes of
// a call can be written. A record grows by its attempts up to 128 KiB, and its copy
// in a schedule and its dead letter have headers besides: where a claim fits and
// its outcome does not, a phone has rung and nothing says so.
const MinPayload = 256 << 10

// ErrPayloadTooSmall says that the broker does not take what may have to be written.
var ErrPayloadTooSmall = errors.New("max_payload of the NATS server is too small")

// CheckMaxPayload refuses a broker that takes only small messages. It asks nothing:
// the broker says it when the connection is made.
func (c *Conn) CheckMaxPayload() error {
	if most := c.nc.MaxPayload(); most < MinPayload {
		return fmt.Errorf("%w: it is %d bytes, and what becomes of a call may take %d: set max_payload there to that or more (its default is 1 MB)", ErrPayloadTooSmall, most, MinPayload)
	}
	return nil
}
