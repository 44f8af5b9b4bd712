package pull

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestAMessageIsHandedBackOnce at once, or after a delay.
func TestAMessageIsHandedBackOnce(t *testing.T) {
	for _, delay := range []time.Duration{-time.Second, 0, 3 * time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				b.Publish("calls.requests.acme", "{}")
				came := run(b, newBound(b), always(1))
				first := <-came
				handed := time.Now()
				if err := first.Nak(delay); err != nil {
					t.Errorf("hand it back: %v", err)
				}
				again := <-came
				if again.Delivered != 2 || time.Since(handed) < delay {
					t.Errorf("delivery %d came %s after it was handed back", again.Delivered, time.Since(handed))
				}
				if err := again.Ack(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
