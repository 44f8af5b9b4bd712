package control

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

const (
	peersPrefix = "calls.peers." // and the account
	// maxPeerEvent bounds a message, in bytes.
	maxPeerEvent = 1 << 10
)

// PeerBus carries events between the workers of an account: a probe of the
// provider, its result, a throttle. Nothing is stored; a worker that misses an event
// finds out by itself.
type PeerBus struct {
	nc   *nats.Conn
	self string // marks our own messages
}

// NewPeerBus returns the bus of this worker.
func NewPeerBus(conn *queue.Conn) *PeerBus { return &PeerBus{nc: conn.NATS(), self: rand.Text()} }

// peerEvent is a [call.PeerEvent] as it is published.
type peerEvent struct {
	From    string             `json:"from"`
	Kind    call.PeerEventKind `json:"kind"`
	DelayMS int64              `json:"delay_ms,omitzero"`
	Reason  call.Reason        `json:"reason,omitzero"`
}

// Notify publishes an event to the workers that listen now.
func (p *PeerBus) Notify(a call.Account, e call.PeerEvent) error {
	data, err := json.Marshal(peerEvent{From: p.self, Kind: e.Kind, DelayMS: e.Delay.Milliseconds(), Reason: e.Reason})
	if err != nil {
		return fmt.Errorf("encode a peer event: %w", err)
	}
	if err := p.nc.Publish(peersPrefix+string(a), data); err != nil {
		return fmt.Errorf("publish a peer event: %w", err)
	}
	return nil
}

// Listen calls f with the events of the other workers of the account, until ctx
// ends. f must not block.
func (p *PeerBus) Listen(ctx context.Context, a call.Account, f func(call.PeerEvent)) error {
	s, err := p.nc.Subscribe(peersPrefix+string(a), func(m *nats.Msg) {
		if e, ok := p.decode(m.Data); ok {
			f(e)
		}
	})
	if err != nil {
		return fmt.Errorf("subscribe to peer events: %w", err)
	}
	<-ctx.Done()
	_ = s.Unsubscribe() // fails if the connection is closed, which ends it too
	return nil
}

// decode returns the event of another worker. What cannot be read is ignored.
func (p *PeerBus) decode(data []byte) (call.PeerEvent, bool) {
	var e peerEvent
	if len(data) > maxPeerEvent || json.Unmarshal(data, &e) != nil || e.From == p.self || e.DelayMS < 0 {
		return call.PeerEvent{}, false
	}
	delay := time.Duration(min(e.DelayMS, maxThrottle.Milliseconds())) * time.Millisecond
	return call.PeerEvent{Kind: e.Kind, Delay: delay, Reason: e.Reason}, true
}
