package lane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

var (
	errDown = errors.New("the broker is down")
	noon    = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
)

// bench is a lane with fakes on every side.
type bench struct {
	*Lane
	provider *fakeProvider
	control  *fakeControl
	peers    *fakePeers
	registry *prometheus.Registry
	log      bytes.Buffer
}

func newBench(concurrency int, callsPerSecond float64) *bench {
	b := &bench{provider: &fakeProvider{}, control: &fakeControl{}, peers: &fakePeers{}, registry: prometheus.NewRegistry()}
	b.Lane = New(Config{
		Account: "acme", Worker: "one", Concurrency: concurrency, CallsPerSecond: callsPerSecond, Provider: b.provider, Now: time.Now,
		Metrics: metrics.New(b.registry, metrics.Build{}).Account("acme"), Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	b.control.lanes = []*Lane{b.Lane}
	b.peers.lanes = []*Lane{b.Lane}
	b.setLimiter(&evenLimiter{perSecond: callsPerSecond})
	return b
}

func (b *bench) setLimiter(limiter RateLimiter) {
	b.SetPorts(Ports{Control: b.control, Peers: sender{b.peers, b.Lane}, Limiter: limiter})
}

// open lets the lane begin.
func (b *bench) open() *bench {
	b.SetBlocks(&call.Blocks{})
	b.Halt(nil)
	b.SetLinkageKnown()
	return b
}

func openLane(concurrency int, callsPerSecond float64) *Lane {
	return newBench(concurrency, callsPerSecond).open().Lane
}

// bubble runs a test on a clock of its own, with a lane that is open.
func bubble(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newBench(16, 0).open()) })
}

// probed is a bubble in which the prober runs.
func probed(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	bubble(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.RunProbes(ctx)
		}()
		f(t, b)
		cancel()
		<-ended
	})
}

// meets makes one call that comes to this outcome, as a worker does, and returns
// the outcome as the lane corrects it.
func (b *bench) meets(t *testing.T, o call.Outcome) call.Outcome {
	t.Helper()
	p := b.Acquire()
	defer p.Release()
	if !p.Wait(t.Context()) || !p.WaitSlot(t.Context()) {
		t.Error("it may not be dialled")
	}
	if p.IsProbe() {
		b.NotifyPeers(call.PeerEvent{Kind: call.ProbeStarted})
	}
	o = p.Report(o)
	switch o.Class {
	case call.Suspended:
		b.Suspend(t.Context(), o)
	case call.Placed:
		b.OnPlaced(t.Context())
	case call.Refused, call.Rejected, call.Unknown:
	}
	return o
}

// suspend suspends the lane without writing a flag.
func (l *Lane) suspend(o call.Outcome) (s call.Suspension, fresh bool) {
	l.update(func(now time.Time) bool {
		s, fresh = l.suspension.suspend(o, "one", now)
		return fresh
	})
	return s, fresh
}

// throttle throttles this lane alone.
func (l *Lane) throttle(d time.Duration) {
	l.OnPeerEvent(call.PeerEvent{Kind: call.Throttled, Delay: d, Reason: call.RateLimited})
}

// changeBreaker changes the lane's breaker.
func (l *Lane) changeBreaker(change func(b *breaker)) {
	l.update(func(time.Time) bool {
		change(&l.breaker)
		return false
	})
}

type fakeProvider struct {
	asked atomic.Int32

	mu    sync.Mutex
	probe func(ctx context.Context) error // nil succeeds
}

func (p *fakeProvider) ProbeReachable(ctx context.Context) error { return p.Probe(ctx) }

func (p *fakeProvider) Probe(ctx context.Context) error {
	p.asked.Add(1)
	p.mu.Lock()
	probe := p.probe
	p.mu.Unlock()
	if probe == nil {
		return nil
	}
	return probe(ctx)
}

// probes sets what a probe comes to.
func (p *fakeProvider) probes(probe func(ctx context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probe = probe
}

func fails(context.Context) error { return errDown }

// fakeControl is a control bucket that every lane it knows watches.
type fakeControl struct {
	failing atomic.Bool

	mu         sync.Mutex
	writes     []string
	suspension call.Suspension
	lanes      []*Lane
}

func (c *fakeControl) set(s call.Suspension, write string) error {
	if c.failing.Load() {
		return errDown
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, write)
	c.suspension = s
	for _, l := range c.lanes {
		l.SetBlocks(&call.Blocks{Suspension: s})
	}
	return nil
}

func (c *fakeControl) Suspend(_ context.Context, _ call.Account, s call.Suspension) (call.Suspension, error) {
	return s, c.set(s, fmt.Sprintf("suspend %s %d", s.Reason, s.Times))
}

func (c *fakeControl) Lift(_ context.Context, _ call.Account, s call.Suspension) error {
	c.mu.Lock()
	held := c.suspension
	c.mu.Unlock()
	if !held.InForce() || !held.Since.Equal(s.Since) {
		if c.failing.Load() {
			return errDown
		}
		return nil
	}
	held.Lifted = true
	return c.set(held, "lift")
}

func (c *fakeControl) ClearLifted(context.Context, call.Account) error {
	return c.set(call.Suspension{}, "clear")
}

// wrote compares what was written.
func (c *fakeControl) wrote(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.writes, want) {
		t.Errorf("written\n got %q\nwant %q", c.writes, want)
	}
}

// fakePeers carries events from each lane to all others.
type fakePeers struct {
	mu     sync.Mutex
	events []call.PeerEventKind
	lanes  []*Lane
}

type sender struct {
	peers *fakePeers
	self  *Lane
}

func (s sender) Notify(_ call.Account, e call.PeerEvent) error {
	s.peers.mu.Lock()
	s.peers.events = append(s.peers.events, e.Kind)
	others := slices.Clone(s.peers.lanes)
	s.peers.mu.Unlock()
	for _, l := range others {
		if l != s.self {
			l.OnPeerEvent(e)
		}
	}
	return nil
}

// evenLimiter grants even slots, each once.
type evenLimiter struct {
	perSecond float64
	failing   bool

	mu    sync.Mutex
	next  time.Time
	asked int
}

func (e *evenLimiter) Reserve(_ context.Context, n int, ahead time.Duration) ([]time.Time, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	if e.failing {
		return nil, time.Time{}, errDown
	}
	now := time.Now()
	if e.next.Before(now) {
		e.next = now
	}
	var slots []time.Time
	for n > len(slots) && !e.next.After(now.Add(ahead)) {
		slots = append(slots, e.next)
		e.next = e.next.Add(time.Duration(float64(time.Second) / e.perSecond))
	}
	return slots, e.next.Add(-ahead), nil
}

func (e *evenLimiter) fail(failing bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failing = failing
}

// stateMetric returns what the metric says of a state of the lane.
func (b *bench) stateMetric(t *testing.T, state call.LaneState) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, f := range families {
		if f.GetName() != "ringonce_lane_state" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == string(state) {
					sum += m.GetGauge().GetValue()
				}
			}
		}
	}
	return sum
}
