package queue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// Depth is how much waits for one account.
type Depth struct {
	Waiting     uint64        // requests that no worker has taken yet
	Due         uint64        // calls whose time has come, not taken yet
	AckPending  uint64        // of both, given to a worker and neither finished nor given to another since
	Parked      uint64        // calls that wait for a time
	DeadLetters uint64        // dead letters kept
	Unknown     uint64        // of these, calls held as unknown
	Oldest      time.Duration // age of the oldest of those that wait, are due or in hand
}

// DepthMeter measures the queues. What it counts is the broker's, the same for
// every worker.
type DepthMeter struct {
	js jetstream.JetStream

	mu      sync.Mutex
	bound   map[call.Account]bool       // whose counters were made here
	streams map[string]jetstream.Stream // to ask for by name, each looked up once
	foreign []error                     // the consumers that are not ours, when measured last
}

// NewDepthMeter gives the measure.
func (c *Conn) NewDepthMeter() *DepthMeter {
	return &DepthMeter{js: c.js, bound: map[call.Account]bool{}, streams: map[string]jetstream.Stream{}}
}

// CreateCounters makes the counters of an account.
func (d *DepthMeter) CreateCounters(ctx context.Context, a call.Account) error {
	for _, c := range []struct {
		stream  string
		kind    ConsumerKind
		subject string
	}{
		{StreamParked, ParkedCounter, ParkedPrefix + string(a) + ".*"},
		{StreamDead, DeadCounter, DeadPrefix + string(a) + ".>"},
		{StreamDead, UnknownCounter, DeadSubject(a, call.OutcomeUnknown, "*")},
	} {
		_, err := d.js.CreateOrUpdateConsumer(ctx, c.stream, jetstream.ConsumerConfig{
			Durable: string(c.kind) + string(a), FilterSubject: c.subject, AckPolicy: jetstream.AckExplicitPolicy,
			Description: "counts, is never pulled from",
		})
		if err != nil {
			return fmt.Errorf("make the counter %s%s: %w", c.kind, a, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bound[a] = true
	return nil
}

// lost lists the accounts that are served and whose counters, made here, are
// gone.
func (d *DepthMeter) lost(found map[string]bool) []call.Account {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lost []call.Account
	for a := range d.bound {
		whole := found[string(ParkedCounter)+string(a)] && found[string(DeadCounter)+string(a)] && found[string(UnknownCounter)+string(a)]
		if found[string(RequestConsumers)+string(a)] && !whole {
			lost = append(lost, a)
		}
	}
	return lost
}

// ForeignConsumers lists the consumers that are not ringonce's, as [ForeignConsumer], when
// measured last.
func (d *DepthMeter) ForeignConsumers() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.foreign
}

// Measure gives the depth of every account that has consumers, and how many
// requests wait for accounts that have none. Of the accounts that are named, what
// waits is counted without consumers, too.
func (d *DepthMeter) Measure(ctx context.Context, now time.Time, accounts ...call.Account) (map[call.Account]Depth, uint64, error) {
	t := tally{depths: map[call.Account]Depth{}, found: map[string]bool{}}
	var unserved uint64
	for _, name := range RequestStreams() {
		n, err := d.countRequests(ctx, name, &t, now)
		if err != nil {
			return nil, 0, err
		}
		uncovered, err := d.countUncovered(ctx, name, &t, accounts)
		if err != nil {
			return nil, 0, err
		}
		unserved += n - min(n, uncovered)
	}
	for _, name := range []string{StreamParked, StreamDead} {
		if err := d.count(ctx, name, &t, now); err != nil {
			return nil, 0, err
		}
	}
	d.mu.Lock()
	d.foreign = t.foreign
	d.mu.Unlock()
	for _, a := range d.lost(t.found) {
		if err := d.CreateCounters(ctx, a); err != nil {
			return nil, 0, err
		}
	}
	return t.depths, unserved, nil
}

// countRequests adds what the consumers of a stream of requests say, and gives
// how many requests are none of theirs. What was taken while they were asked is
// none, and neither is what was published meanwhile: so it looks before and after,
// at each stream by itself, or what comes to one would hide what is left in
// another.
func (d *DepthMeter) countRequests(ctx context.Context, stream string, t *tally, now time.Time) (unserved uint64, err error) {
	before, err := d.messages(ctx, stream)
	if err != nil {
		return 0, err
	}
	t.served, t.covered = 0, map[call.Account]bool{}
	if err := d.count(ctx, stream, t, now); err != nil || before <= t.served {
		return 0, err
	}
	after, err := d.messages(ctx, stream)
	if err != nil || after <= t.served {
		return 0, err
	}
	return min(before, after) - t.served, nil
}

// countUncovered adds the requests in a stream of those accounts that have no
// consumer there, as while a foreign one keeps it from being made.
func (d *DepthMeter) countUncovered(ctx context.Context, stream string, t *tally, accounts []call.Account) (n uint64, err error) {
	for _, a := range accounts {
		if t.covered[a] {
			continue
		}
		s, err := d.stream(ctx, stream)
		if err != nil {
			return 0, err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter(StoredSubject(a, priorityOf(stream))))
		if err != nil {
			return 0, fmt.Errorf("count what waits in %s: %w", stream, err)
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

func priorityOf(stream string) call.Priority {
	for _, p := range ranks {
		if StreamOf(p) == stream {
			return p
		}
	}
	return call.Normal
}

// count adds what the consumers of a stream say.
func (d *DepthMeter) count(ctx context.Context, stream string, t *tally, now time.Time) error {
	s, err := d.stream(ctx, stream)
	if err != nil {
		return err
	}
	t.unfinished = map[call.Account][]front{}
	if err := ForEachConsumer(ctx, s, func(info *jetstream.ConsumerInfo) { t.add(stream, info) }); err != nil {
		return err
	}
	for a, fronts := range t.unfinished {
		age, err := oldest(ctx, s, fronts, now)
		if err != nil {
			return err
		}
		depth := t.depths[a]
		depth.Oldest = max(depth.Oldest, age)
		t.depths[a] = depth
	}
	return nil
}

// tally is what was counted so far.
type tally struct {
	depths     map[call.Account]Depth
	found      map[string]bool          // consumers, by their kind and account
	served     uint64                   // requests of the stream that is counted that are some consumer's
	covered    map[call.Account]bool    // that have a consumer on the stream of requests that is counted
	foreign    []error                  // the consumers that are not ours
	unfinished map[call.Account][]front // of the stream that is counted
}

func (t *tally) add(stream string, info *jetstream.ConsumerInfo) {
	if f, foreign := AsForeignConsumer(stream, info); foreign {
		t.foreign = append(t.foreign, f)
	}
	kind, a := ParseConsumer(info.Name)
	t.found[string(kind)+string(a)] = true
	depth, inHand := t.depths[a], uint64(max(info.NumAckPending, 0))
	switch kind {
	case RequestConsumers:
		t.served += info.NumPending + inHand
		t.covered[a] = true
		depth.Waiting += info.NumPending
		depth.AckPending += inHand
		t.front(a, info)
	case DueConsumers:
		depth.Due += info.NumPending
		depth.AckPending += inHand
		t.front(a, info)
	case ParkedCounter:
		depth.Parked = info.NumPending
	case DeadCounter:
		depth.DeadLetters = info.NumPending
	case UnknownCounter:
		depth.Unknown = info.NumPending
	default:
		return // not ours
	}
	t.depths[a] = depth
}

// front notes where the messages of a consumer begin, if it has any.
func (t *tally) front(a call.Account, info *jetstream.ConsumerInfo) {
	if info.NumPending > 0 || info.NumAckPending > 0 {
		t.unfinished[a] = append(t.unfinished[a], front{info.AckFloor.Stream, info.Config.FilterSubject})
	}
}

// CountOrphaned counts what waits for accounts that have consumers, and nobody who
// serves them.
func CountOrphaned(depths map[call.Account]Depth, served map[call.Account]bool) uint64 {
	var n uint64
	for a, d := range depths {
		if !served[a] {
			n += d.Waiting + d.Due + d.AckPending
		}
	}
	return n
}

// messages counts what a stream holds.
func (d *DepthMeter) messages(ctx context.Context, stream string) (uint64, error) {
	s, err := d.stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("look up stream %s: %w", stream, err)
	}
	return info.State.Msgs, nil
}

func (d *DepthMeter) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	d.mu.Lock()
	s := d.streams[name]
	d.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := d.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams[name] = s
	return s, nil
}
