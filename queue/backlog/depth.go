// Package backlog measures what waits in the queues: how much for each account and
// for how long, and the orphans, messages that no worker pulls.
package backlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Depth is how much waits for one account.
type Depth struct {
	Waiting     uint64        // requests that no worker has pulled yet
	Due         uint64        // calls whose time has come, not pulled yet
	AckPending  uint64        // of both, pulled by a worker and neither finished nor delivered to another since
	Parked      uint64        // calls that wait for a time
	DeadLetters uint64        // dead letters kept
	Unknown     uint64        // of these, calls held as unknown
	Oldest      time.Duration // age of the oldest of those that wait, are due or pulled
}

// Meter measures the depth of the queues. It counts at the broker, the same for
// every worker.
type Meter struct {
	js jetstream.JetStream

	mu      sync.Mutex
	created map[call.Account]bool       // whose counters were created here
	streams map[string]jetstream.Stream // by name, each looked up once
	foreign []error                     // the consumers that were not ringonce's at the last measurement
}

// NewMeter returns a meter.
func NewMeter(conn *queue.Conn) *Meter {
	return &Meter{js: conn.JetStream(), created: map[call.Account]bool{}, streams: map[string]jetstream.Stream{}}
}

// CreateCounters creates the counters of an account: consumers that are never
// pulled from and count what their subjects hold, at a cost for the broker that
// does not grow with it.
func (m *Meter) CreateCounters(ctx context.Context, a call.Account) error {
	for _, c := range []struct {
		stream  string
		kind    queue.ConsumerKind
		subject string
	}{
		{queue.StreamParked, queue.ParkedCounter, queue.ParkedPrefix + string(a) + ".*"},
		{queue.StreamDead, queue.DeadCounter, queue.DeadPrefix + string(a) + ".>"},
		{queue.StreamDead, queue.UnknownCounter, queue.DeadPrefix + string(a) + "." + string(call.OutcomeUnknown) + ".*"},
	} {
		_, err := m.js.CreateOrUpdateConsumer(ctx, c.stream, jetstream.ConsumerConfig{
			Durable: string(c.kind) + string(a), FilterSubject: c.subject, AckPolicy: jetstream.AckExplicitPolicy,
			Description: "counts, is never pulled from",
		})
		if err != nil {
			return fmt.Errorf("create the counter %s%s: %w", c.kind, a, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.created[a] = true
	return nil
}

// missingCounters lists the accounts that have consumers and whose counters,
// created here, are gone.
func (m *Meter) missingCounters(found map[consumer]bool) []call.Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	var missing []call.Account
	for a := range m.created {
		complete := found[consumer{queue.ParkedCounter, a}] && found[consumer{queue.DeadCounter, a}] && found[consumer{queue.UnknownCounter, a}]
		if found[consumer{queue.RequestConsumers, a}] && !complete {
			missing = append(missing, a)
		}
	}
	return missing
}

// ForeignConsumers lists the consumers that were not ringonce's at the last
// measurement, as [queue.ForeignConsumer].
func (m *Meter) ForeignConsumers() []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.foreign
}

// Measure returns the depth of every account that has consumers, and how many
// requests wait for accounts that have none. Of the named accounts it counts what
// waits even without consumers.
func (m *Meter) Measure(ctx context.Context, now time.Time, accounts ...call.Account) (depths map[call.Account]Depth, orphaned uint64, err error) {
	t := totals{depths: map[call.Account]Depth{}, found: map[consumer]bool{}}
	for _, p := range call.Priorities() {
		n, err := m.countRequests(ctx, queue.StreamOf(p), &t, now)
		if err != nil {
			return nil, 0, err
		}
		named, err := m.countWithoutConsumer(ctx, p, &t, accounts)
		if err != nil {
			return nil, 0, err
		}
		orphaned += n - min(n, named)
	}
	for _, name := range []string{queue.StreamParked, queue.StreamDead} {
		if err := m.count(ctx, name, &t, now); err != nil {
			return nil, 0, err
		}
	}
	m.mu.Lock()
	m.foreign = t.foreign
	m.mu.Unlock()
	for _, a := range m.missingCounters(t.found) {
		if err := m.CreateCounters(ctx, a); err != nil {
			return nil, 0, err
		}
	}
	return t.depths, orphaned, nil
}

// countRequests adds what the consumers of a stream of requests report, and returns
// how many requests belong to none of them. It reads the size of the stream before
// and after: what was pulled or published in between is no orphan. It does so for
// each stream by itself, or what comes to one would hide what is left in another.
func (m *Meter) countRequests(ctx context.Context, stream string, t *totals, now time.Time) (orphaned uint64, err error) {
	before, err := m.countMessages(ctx, stream)
	if err != nil {
		return 0, err
	}
	t.covered, t.hasConsumer = 0, map[call.Account]bool{}
	if err := m.count(ctx, stream, t, now); err != nil || before <= t.covered {
		return 0, err
	}
	after, err := m.countMessages(ctx, stream)
	if err != nil || after <= t.covered {
		return 0, err
	}
	return min(before, after) - t.covered, nil
}

// countWithoutConsumer adds the requests of one priority of those accounts that
// have no consumer for it, as while a foreign one keeps it from being created.
func (m *Meter) countWithoutConsumer(ctx context.Context, p call.Priority, t *totals, accounts []call.Account) (n uint64, err error) {
	for _, a := range accounts {
		if t.hasConsumer[a] {
			continue
		}
		s, err := m.stream(ctx, queue.StreamOf(p))
		if err != nil {
			return 0, err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter(queue.StoredSubject(a, p)))
		if err != nil {
			return 0, fmt.Errorf("count what waits in %s: %w", queue.StreamOf(p), err)
		}
		depth := t.depths[a]
		for _, waiting := range info.State.Subjects {
			depth.Waiting += waiting
			n += waiting
		}
		t.depths[a] = depth
	}
	return n, nil
}

// count adds what the consumers of a stream report.
func (m *Meter) count(ctx context.Context, stream string, t *totals, now time.Time) error {
	s, err := m.stream(ctx, stream)
	if err != nil {
		return err
	}
	t.unfinished = map[call.Account][]ackFloor{}
	if err := queue.ForEachConsumer(ctx, s, func(info *jetstream.ConsumerInfo) { t.add(stream, info) }); err != nil {
		return err
	}
	for a, floors := range t.unfinished {
		age, err := oldestAge(ctx, s, floors, now)
		if err != nil {
			return err
		}
		depth := t.depths[a]
		depth.Oldest = max(depth.Oldest, age)
		t.depths[a] = depth
	}
	return nil
}

// consumer is a kind of consumer of an account.
type consumer struct {
	kind    queue.ConsumerKind
	account call.Account
}

// totals is what was counted so far.
type totals struct {
	depths  map[call.Account]Depth
	found   map[consumer]bool
	foreign []error // the consumers that are not ringonce's

	// Of the stream that is counted:
	covered     uint64                      // requests that belong to a consumer
	hasConsumer map[call.Account]bool       // accounts that have a consumer
	unfinished  map[call.Account][]ackFloor // of the consumers that have messages
}

func (t *totals) add(stream string, info *jetstream.ConsumerInfo) {
	if f, foreign := queue.AsForeignConsumer(stream, info); foreign {
		t.foreign = append(t.foreign, f)
	}
	kind, a := queue.ParseConsumer(info.Name)
	t.found[consumer{kind, a}] = true
	depth, pulled := t.depths[a], uint64(max(info.NumAckPending, 0))
	switch kind {
	case queue.RequestConsumers:
		t.covered += info.NumPending + pulled
		t.hasConsumer[a] = true
		depth.Waiting += info.NumPending
		depth.AckPending += pulled
		t.addFloor(a, info)
	case queue.DueConsumers:
		depth.Due += info.NumPending
		depth.AckPending += pulled
		t.addFloor(a, info)
	case queue.ParkedCounter:
		depth.Parked = info.NumPending
	case queue.DeadCounter:
		depth.DeadLetters = info.NumPending
	case queue.UnknownCounter:
		depth.Unknown = info.NumPending
	default:
		return // not ours
	}
	t.depths[a] = depth
}

// addFloor notes where the unfinished messages of a consumer begin, if it has any.
func (t *totals) addFloor(a call.Account, info *jetstream.ConsumerInfo) {
	if info.NumPending > 0 || info.NumAckPending > 0 {
		t.unfinished[a] = append(t.unfinished[a], ackFloor{info.AckFloor.Stream, info.Config.FilterSubject})
	}
}

// CountOrphaned counts what waits for accounts that have consumers and that no
// worker serves.
func CountOrphaned(depths map[call.Account]Depth, served map[call.Account]bool) uint64 {
	var n uint64
	for a, d := range depths {
		if !served[a] {
			n += d.Waiting + d.Due + d.AckPending
		}
	}
	return n
}

func (m *Meter) countMessages(ctx context.Context, stream string) (uint64, error) {
	s, err := m.stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("look up stream %s: %w", stream, err)
	}
	return info.State.Msgs, nil
}

func (m *Meter) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	m.mu.Lock()
	s := m.streams[name]
	m.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := m.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams[name] = s
	return s, nil
}
