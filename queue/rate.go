package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// reachMost bounds how far ahead slots are reserved. With the window that
	// is begun then, it is what a worker that dies takes with it: less than a
	// second.
	reachMost = 600 * time.Millisecond
	// forgets is how long counters are not believed after they may have been
	// lost: as far ahead as anybody can have reserved before.
	forgets = reachMost + window
	// reserveWithin bounds one question: what is answered later is of no use.
	reserveWithin = time.Second
	// readEvery is how often the broker's clock is read while it is needed, and
	// readings how often in a row at first, for the quickest answer.
	readEvery = 10 * time.Second
	readings  = 3
)

var errForgotten = errors.New("the counters began again: nothing is reserved until whatever they gave out before is past")

// RateConfig says how the counters of a limit are kept, and who hears of them.
type RateConfig struct {
	// Provision makes the stream anew when it is gone.
	Provision bool
	Replicas  int
	// OnClockSample is told how far the broker's clock is ahead of ours.
	OnClockSample func(offset, within time.Duration)
}

// Limiter shares limits among all workers, over counters at the broker. Whoever
// wants to dial adds to the counter of a short window of time; the numbers that
// it gets thereby are its slots in the [grid], and nobody else's. Nothing is
// given back, and nobody is asked for permission twice. Without the broker
// there are no numbers, and so no calls.
//
// All of it hangs on the counters never giving a number twice. They are lost
// when the stream is deleted, or a broker that keeps it in memory restarts.
// That shows in the connection, in a failed addition, in a sequence that goes
// back, or in the stream's date; after each of these, and at the start, windows
// are skipped that may have been given out before.
type Limiter struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	cfg RateConfig

	// asking is held by the one who reads anew; the others wait for what it finds.
	asking chan struct{}

	mu        sync.Mutex
	trusted   bool   // the reading and what follows hold
	doubts    uint64 // how often that was taken back
	reading   reading
	readAt    time.Time
	created   time.Time  // of the stream
	connected Generation // that it was read over
	from      int64      // the first window that may be used
	sequence  uint64     // the last that was seen
	seenAt    time.Time
}

// NewRate shares limits over this connection. Nothing is asked of the broker
// before the first reservation.
func (c *Conn) NewRate(cfg RateConfig) *Limiter {
	return &Limiter{nc: c.nc, js: c.js, cfg: cfg, asking: make(chan struct{}, 1)}
}

// believed is what a reservation starts from.
type believed struct {
	reading   reading
	from      int64
	sequence  uint64
	connected Generation
}

// believe gives the broker's clock and the windows that may be used, and reads
// both anew when they are old or in doubt.
func (r *Limiter) believe(ctx context.Context) (believed, error) {
	if b, ok := r.believes(); ok {
		return b, nil
	}
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return believed{}, ctx.Err()
	}
	if b, ok := r.believes(); ok {
		return b, nil
	}
	if err := r.read(ctx); err != nil {
		r.doubt()
		return believed{}, err
	}
	b, ok := r.believes()
	if !ok {
		return believed{}, errForgotten // doubted while it was read
	}
	return b, nil
}

// believes gives what is believed, and reports whether it holds.
func (r *Limiter) believes() (believed, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := generationOf(r.nc); c != r.connected {
		r.connected = c
		r.distrust()
	}
	// A sequence that was last seen long ago shows nothing of a stream that was
	// made anew since.
	idle := time.Since(r.seenAt) >= forgets && time.Since(r.readAt) >= forgets
	if !r.trusted || idle || time.Since(r.readAt) >= readEvery {
		return believed{}, false
	}
	return believed{reading: r.reading, from: r.from, sequence: r.sequence, connected: r.connected}, true
}

// read asks the broker for its time, and whether the stream is still the same.
// One at a time reads; nobody waits for the broker with the state locked.
func (r *Limiter) read(ctx context.Context) error {
	r.mu.Lock()
	times, doubts := readings, r.doubts
	if r.trusted {
		times = 1
	}
	r.mu.Unlock()
	var best reading
	var created time.Time
	for i := range times {
		asked := time.Now()
		info, err := r.info(ctx)
		if err != nil {
			return err
		}
		next := readingBetween(asked, time.Now(), info.TimeStamp)
		if i == 0 || next.within < best.within {
			best = next
		}
		created = info.Created
	}
	if told := r.follow(best, created, doubts); r.cfg.OnClockSample != nil {
		r.cfg.OnClockSample(told.offset(), told.within)
	}
	return nil
}

// follow takes in what was read, and gives the reading that is believed now. A
// doubt that was raised meanwhile stays.
func (r *Limiter) follow(read reading, created time.Time, doubts uint64) reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	contradicted := true
	if r.trusted {
		read, contradicted = r.reading.follow(read)
	}
	if contradicted || !created.Equal(r.created) {
		r.from = windowAt(read.toBroker(time.Now()).Add(forgets)) + 1
		r.sequence = 0
	}
	r.reading, r.readAt, r.created, r.trusted = read, time.Now(), created, r.doubts == doubts
	return read
}

// seen takes in the sequence of an addition, and reports whether the counters
// are still those that were believed in when it was begun.
func (r *Limiter) seen(sequence uint64, b believed) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sequence <= b.sequence || generationOf(r.nc) != b.connected {
		r.distrust()
		return false
	}
	r.sequence, r.seenAt = max(r.sequence, sequence), time.Now()
	return true
}

// doubt has everything read anew before the next reservation.
func (r *Limiter) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.distrust()
}

func (r *Limiter) distrust() {
	r.trusted = false
	r.doubts++
}

// info looks at the stream, and makes it if it is gone and that is wanted.
func (r *Limiter) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	s, err := r.js.Stream(ctx, StreamRate)
	if errors.Is(err, jetstream.ErrStreamNotFound) && r.cfg.Provision {
		s, err = r.js.CreateStream(ctx, Topology{Replicas: r.cfg.Replicas}.rate())
	}
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", StreamRate, err)
	}
	info := s.CachedInfo()
	for _, d := range compare(Topology{Replicas: 1}.rate(), info.Config) {
		if d.Impact != "" {
			return nil, errors.New(d.String())
		}
	}
	return info, nil
}
