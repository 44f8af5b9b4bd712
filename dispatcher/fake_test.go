package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/metrics"
)

var (
	errDown = errors.New("the broker is down")
	errNoID = errors.New("a record without an id")
	// began is when a bubble's clock begins.
	began = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// journal is the sequence of effects that a test sees.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) add(entry string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, entry)
}

// take returns what happened since it was last asked.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	taken := j.entries
	j.entries = nil
	return taken
}

func (j *journal) is(t *testing.T, want ...string) {
	t.Helper()
	if got := j.take(); !slices.Equal(got, want) {
		t.Errorf("effects\n got %q\nwant %q", got, want)
	}
}

// fakeScheduler, fakeDeadLetters and fakeControl fail so often before they work.
type fakeScheduler struct {
	journal    *journal
	failures   atomic.Int32
	onSchedule func(call.Record, call.Version)
}

func (p *fakeScheduler) Schedule(_ context.Context, r call.Record, v call.Version) error {
	if p.failures.Add(-1) >= 0 {
		return errDown
	}
	p.journal.add("schedule " + string(r.Reason))
	if p.onSchedule != nil {
		p.onSchedule(r, v)
	}
	return nil
}

type fakeDeadLetters struct {
	journal  *journal
	failures atomic.Int32
	panics   atomic.Int32
	onPut    func() // called before a dead letter is written

	mu      sync.Mutex
	letters map[string][]byte // by reason and token
}

func (d *fakeDeadLetters) Put(_ context.Context, r call.Record, body []byte) error {
	if r.Request != nil {
		body = r.Request
	}
	return d.write(string(r.Reason)+" "+string(r.ID), body)
}

func (d *fakeDeadLetters) PutConflict(_ context.Context, r call.Record, body []byte) error {
	return d.write(string(r.Reason)+" "+strconv.FormatUint(r.Origin.Sequence, 10), body)
}

func (d *fakeDeadLetters) write(token string, body []byte) error {
	if d.onPut != nil {
		d.onPut()
	}
	if d.panics.Add(-1) >= 0 {
		panic("the store of dead letters broke")
	}
	if d.failures.Add(-1) >= 0 {
		return errDown
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.letters[token] = body
	d.journal.add("dead letter " + token)
	return nil
}

func (d *fakeDeadLetters) Delete(_ context.Context, _ call.Account, reason call.Reason, id call.ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.letters, string(reason)+" "+string(id))
	d.journal.add("delete dead letter " + string(reason) + " " + string(id))
	return nil
}

func (d *fakeDeadLetters) tokens() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var tokens []string
	for t := range d.letters {
		tokens = append(tokens, t)
	}
	slices.Sort(tokens)
	return tokens
}

type fakeProvider struct {
	journal *journal
	place   func(ctx context.Context, r call.Request, by call.Deadline) call.Outcome
	placed  atomic.Int32
}

func (p *fakeProvider) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	p.journal.add("place")
	p.placed.Add(1)
	return p.place(ctx, r, by)
}

func (p *fakeProvider) Probe(context.Context) error { return nil }

func (p *fakeProvider) ProbeReachable(context.Context) error { return nil }

type fakeDirectory struct {
	linkage     call.Linkage
	lookup      func()
	invalidated atomic.Int32
}

func (d *fakeDirectory) Lookup(context.Context, call.Phone, string, time.Time) call.Linkage {
	if d.lookup != nil {
		d.lookup()
	}
	return d.linkage
}

func (d *fakeDirectory) Invalidate(call.Phone) { d.invalidated.Add(1) }

// fakeControl is a control bucket that every lane it knows watches.
type fakeControl struct {
	journal *journal
	failing atomic.Bool

	mu         sync.Mutex
	suspension call.Suspension
	lanes      []*lane.Lane
}

func (c *fakeControl) set(s call.Suspension, entry string) error {
	if c.failing.Load() {
		return errDown
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal.add(entry)
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
	return c.set(call.Suspension{}, "forget")
}

// fakePeers notes the events for other workers.
type fakePeers struct{ events []call.PeerEventKind }

func (p *fakePeers) Notify(_ call.Account, e call.PeerEvent) error {
	p.events = append(p.events, e.Kind)
	return nil
}

// fakeMessage notes what became of it.
type fakeMessage struct {
	journal *journal
	acks    atomic.Int32
	naks    atomic.Int32
	delay   atomic.Int64 // of the last time it was handed back
}

func (m *fakeMessage) Ack() error {
	m.acks.Add(1)
	m.journal.add("ack")
	return nil
}

func (m *fakeMessage) Nak(delay time.Duration) error {
	m.naks.Add(1)
	m.delay.Store(int64(delay))
	m.journal.add("nak")
	return nil
}

// fixture is a worker with fakes on every side.
type fixture struct {
	*Handler
	journal     *journal
	records     *fakeRecords
	scheduler   *fakeScheduler
	deadLetters *fakeDeadLetters
	provider    *fakeProvider
	directory   *fakeDirectory
	control     *fakeControl
	peers       *fakePeers
	registry    *prometheus.Registry
}

func testSettings() Settings {
	return Settings{
		Retry:  RetrySettings{InitialDelay: 2 * time.Second, Multiplier: 2, MaxDelay: 5 * time.Minute, MaxAttempts: 12},
		MaxAge: 24 * time.Hour, Keep: 36 * time.Hour, Numbers: call.PossibleNumbers,
		ClaimDeadline: 10 * time.Second, ClaimWait: 45 * time.Second,
	}
}

func newFixture() *fixture {
	j := &journal{}
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, metrics.Build{}).Account("acme")
	b := &fixture{
		journal: j, records: newFakeRecords(j), scheduler: &fakeScheduler{journal: j},
		deadLetters: &fakeDeadLetters{journal: j, letters: map[string][]byte{}},
		provider: &fakeProvider{journal: j, place: answers(call.Outcome{
			Class: call.Placed, Reason: call.Accepted, Status: 201, RequestUUID: "sfv_ob_req_1",
		})},
		directory: &fakeDirectory{linkage: call.Linked}, control: &fakeControl{journal: j}, peers: &fakePeers{}, registry: registry,
	}
	log := slog.New(slog.DiscardHandler)
	l := openLane(b, lane.Config{Concurrency: 16, Metrics: m, Log: log}, nil)
	b.Handler = &Handler{
		Worker: "one", Account: "acme", Settings: testSettings(),
		Stores: Stores{Records: b.records, Scheduler: b.scheduler, DeadLetters: b.deadLetters}, Provider: b.provider,
		Directory: b.directory, Lane: l, Pool: NewGoroutinePool(), Metrics: m, Log: log,
		Now: time.Now, Nonce: nonces("one"),
		Epoch: func() (time.Time, time.Time) { return began, began },
	}
	return b
}

// openLane returns a lane of the fixture that may dial.
func openLane(b *fixture, cfg lane.Config, limiter lane.RateLimiter) *lane.Lane {
	cfg.Account, cfg.Worker, cfg.Provider, cfg.Now = "acme", "one", b.provider, time.Now
	l := lane.New(cfg)
	l.SetPorts(lane.Ports{Control: b.control, Peers: b.peers, Limiter: limiter})
	b.control.lanes = []*lane.Lane{l}
	l.SetBlocks(&call.Blocks{})
	l.Halt(nil)
	l.SetLinkageKnown()
	return l
}

func nonces(worker string) func() string {
	var n atomic.Int64
	return func() string { return worker + "-" + strconv.FormatInt(n.Add(1), 10) }
}

func answers(o call.Outcome) func(context.Context, call.Request, call.Deadline) call.Outcome {
	return func(context.Context, call.Request, call.Deadline) call.Outcome { return o }
}

func requestBody(id string, more ...string) []byte {
	b := `{"from":"+919876543210","to":"+14155552671","answer_url":"https://publisher.example/a"`
	if id != "" {
		b += `,"id":"` + id + `"`
	}
	for i := 0; i+1 < len(more); i += 2 {
		b += fmt.Sprintf(`,%q:%q`, more[i], more[i+1])
	}
	return []byte(b + "}")
}

// published is the first delivery of a request that was published just now.
func published(body []byte) call.Delivery {
	return call.Delivery{
		Account: "acme", Priority: call.Normal, Delivered: 1, Body: body,
		Origin: call.Origin{Sequence: 7, Published: time.Now().UTC()},
	}
}

// due is the delivery of a call that comes back with this record.
func due(r call.Record, v call.Version) call.Delivery {
	return call.Delivery{
		Account: r.Account, Priority: r.Priority, Delivered: 1, Origin: r.Origin,
		Due: &call.Due{Record: r, Version: v},
	}
}

// handle handles one delivery to its end.
func (b *fixture) handle(t *testing.T, d call.Delivery) *fakeMessage {
	t.Helper()
	m := &fakeMessage{journal: b.journal}
	b.Handle(t.Context(), d, m, b.Lane.Acquire())
	return m
}
