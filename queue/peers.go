package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

const (
	healthPrefix = "calls.peers." // and the account
	// maxPause bounds what is believed of another worker's pause: no longer than
	// a Retry-After is.
	maxPause = time.Hour
	// maxFinding bounds a message, in bytes.
	maxFinding = 1 << 10
)

// PeerBus is how the workers of an account tell each other what they found out
// about the provider. Nothing is stored: who is away misses it, and finds out by
// itself.
type PeerBus struct {
	nc   *nats.Conn
	self string // what tells our own messages from others'
}

// NewPeerBus gives the way to the other workers.
func (c *Conn) NewPeerBus() *PeerBus { return &PeerBus{nc: c.nc, self: rand.Text()} }

// finding is a [call.PeerEvent] on its way.
type finding struct {
	From   string             `json:"from"`
	Kind   call.PeerEventKind `json:"kind"`
	Millis int64              `json:"for_ms,omitzero"`
	Why    call.Reason        `json:"why,omitzero"`
}

// Notify passes a finding on to whoever listens now.
func (p *PeerBus) Notify(a call.Account, f call.PeerEvent) error {
	data, err := json.Marshal(finding{From: p.self, Kind: f.Kind, Millis: f.Delay.Milliseconds(), Why: f.Reason})
	if err != nil {
		return fmt.Errorf("encode a finding: %w", err)
	}
	if err := p.nc.Publish(healthPrefix+string(a), data); err != nil {
		return fmt.Errorf("tell the other workers: %w", err)
	}
	return nil
}

// Listen gives hear what the other workers of the account tell, until ctx ends.
// hear must not block.
func (p *PeerBus) Listen(ctx context.Context, a call.Account, hear func(call.PeerEvent)) error {
	s, err := p.nc.Subscribe(healthPrefix+string(a), func(m *nats.Msg) {
		if f, ok := p.read(m.Data); ok {
			hear(f)
		}
	})
	if err != nil {
		return fmt.Errorf("listen to the other workers: %w", err)
	}
	<-ctx.Done()
	_ = s.Unsubscribe() // fails if the connection is closed, which ends it too
	return nil
}

// read gives what another worker told. What cannot be read says nothing.
func (p *PeerBus) read(data []byte) (call.PeerEvent, bool) {
	var f finding
	if len(data) > maxFinding || json.Unmarshal(data, &f) != nil || f.From == p.self || f.Millis < 0 {
		return call.PeerEvent{}, false
	}
	most := maxPause.Milliseconds()
	return call.PeerEvent{Kind: f.Kind, Delay: time.Duration(min(f.Millis, most)) * time.Millisecond, Reason: f.Why}, true
}
