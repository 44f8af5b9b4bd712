package app

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/metrics"
)

const (
	watchdogInterval = 5 * time.Second
	// watchdogTimeout is how old the last beat may be before the process counts as
	// stuck.
	watchdogTimeout = time.Minute
)

// health is what the probes of an orchestrator are answered from.
type health struct {
	metrics *metrics.Metrics
	records func() []error // why the call records are not relied on

	bound         atomic.Bool // the consumers are bound, and it is not stopping
	controlSynced atomic.Bool // the control flags are known
	ackPermitted  atomic.Bool // acknowledgements are permitted

	foreignConsumers atomic.Pointer[[]error] // consumers that take requests away

	lastTick atomic.Int64 // Unix nanoseconds
}

func newHealth(m *metrics.Metrics) *health {
	h := &health{metrics: m}
	h.lastTick.Store(time.Now().UnixNano())
	return h
}

// watchdog shows, until ctx ends, that our own loops make progress: touch goes
// through the locks that they need.
func (h *health) watchdog(ctx context.Context, touch func()) {
	tick := time.NewTicker(watchdogInterval)
	defer tick.Stop()
	for {
		touch()
		h.lastTick.Store(time.Now().UnixNano())
		h.metrics.Ready(len(h.missing()) == 0)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// alive speaks of this process alone, never of NATS or the provider: killing it
// would mend neither.
func (h *health) alive() bool {
	return !h.bound.Load() || time.Now().UnixNano()-h.lastTick.Load() < int64(watchdogTimeout)
}

var (
	errNotBound   = errors.New("the consumers are not bound to NATS JetStream")
	errNoControl  = errors.New("the control flags are not known")
	errAckUnknown = errors.New("the permission to acknowledge is missing or was not probed yet")
)

// missing lists what keeps the worker from being ready.
func (h *health) missing() []error {
	var missing []error
	if !h.bound.Load() {
		missing = append(missing, errNotBound)
	}
	if !h.controlSynced.Load() {
		missing = append(missing, errNoControl)
	}
	if !h.ackPermitted.Load() {
		missing = append(missing, errAckUnknown)
	}
	if foreign := h.foreignConsumers.Load(); foreign != nil {
		missing = append(missing, *foreign...)
	}
	if h.records != nil {
		missing = append(missing, h.records()...)
	}
	return missing
}
