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
	// watchdogTimeout is the age of the last tick at which the process counts as
	// stuck.
	watchdogTimeout = time.Minute
)

// health answers the probes of an orchestrator.
type health struct {
	metrics *metrics.Metrics
	records func() []error // why the call records are not trusted

	bound         atomic.Bool // the consumers are bound, and the worker is not stopping
	controlSynced atomic.Bool // the control flags are known
	ackPermitted  atomic.Bool // acknowledgements are permitted

	foreignConsumers atomic.Pointer[[]error] // other programs' consumers of requests

	lastTick atomic.Int64 // Unix nanoseconds
}

func newHealth(m *metrics.Metrics, records func() []error) *health {
	h := &health{metrics: m, records: records}
	h.lastTick.Store(time.Now().UnixNano())
	return h
}

// watchdog records until ctx ends that the worker's loops make progress: ping
// takes the locks that they need.
func (h *health) watchdog(ctx context.Context, ping func()) {
	tick := time.NewTicker(watchdogInterval)
	defer tick.Stop()
	for {
		ping()
		h.lastTick.Store(time.Now().UnixNano())
		h.metrics.Ready(len(h.missing()) == 0)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// alive depends on this process alone, never on NATS or the provider: a restart
// would fix neither.
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
	return append(missing, h.records()...)
}
