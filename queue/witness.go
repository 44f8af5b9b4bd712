package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/queue/internal/retry"
)

const (
	// witnessSubject is where workers say how far they saw CALL_RECORDS come. No
	// stream keeps it: what is put back with the broker's files is no evidence
	// against them.
	witnessSubject = "calls.highwater"
	// A worker says it every testifyEvery while it learns more, else every
	// testifyRarely; it counts as gone when it said nothing for goneAfter.
	testifyEvery  = 5 * time.Second
	testifyRarely = 30 * time.Second
	goneAfter     = 2 * time.Minute
	// awaitWitness bounds how long one is awaited over a new connection. Whoever
	// lost the same broker tries again every five seconds or so.
	awaitWitness = 10 * time.Second
	askEvery     = time.Second
	// A worker that has just started knows nobody, and asks who is there.
	greetWithin = 250 * time.Millisecond
	// answerEvery bounds how often others are answered: many ask at once when a
	// broker comes back.
	answerEvery = 100 * time.Millisecond
	// maxTestimony bounds a message, in bytes, and mostWitnesses how many are
	// remembered.
	maxTestimony  = 4 << 10
	mostWitnesses = 10_000
)

// ErrPeersMissing says that workers which were there before the connection was
// lost were not heard since. What only they saw of the ledger is not known.
var ErrPeersMissing = errors.New("workers that were there before the connection was lost were not heard since")

// Gossip are the other workers, as far as each of them saw CALL_RECORDS come.
//
// A worker finds out that the broker's files were put back to an older copy from
// what it saw itself. If it saw little, because others had the work lately, an
// older copy looks to it like the ledger as it was left. So after the connection
// was lost it waits for those who were there before, and hears what they saw.
type Gossip struct {
	nc      *nats.Conn
	records *Records
	self    string
	sub     *nats.Subscription
	asked   chan struct{} // holds a token when somebody wants to hear
	greeted bool          // belongs to whoever calls Await

	mu    sync.Mutex
	heard map[string]sighting
	came  chan struct{} // closed, and made anew, when somebody was heard
}

// sighting is when and over which connection a witness was last heard.
type sighting struct {
	over Generation
	at   time.Time
}

// testimony is what a worker says.
type testimony struct {
	From string `json:"from"`
	HighWater
	Asks bool `json:"asks,omitzero"` // the others are to say what they know
	Gone bool `json:"gone,omitzero"`
}

// NewGossip begins to hear those who saw the same ledger.
func (c *Conn) NewGossip(r *Records) (*Gossip, error) {
	w := &Gossip{
		nc: c.nc, records: r, self: rand.Text(), asked: make(chan struct{}, 1),
		heard: map[string]sighting{}, came: make(chan struct{}),
	}
	var err error
	if w.sub, err = c.nc.Subscribe(witnessSubject, w.hear); err != nil {
		return nil, fmt.Errorf("hear how far others saw the records come: %w", err)
	}
	return w, nil
}

// Run tells the others what this worker saw, until ctx ends; then nobody is heard
// any more either.
func (w *Gossip) Run(ctx context.Context) {
	defer func() { _ = w.sub.Unsubscribe() }() // fails if the connection is closed, which ends it too
	tick := time.NewTicker(testifyEvery)
	defer tick.Stop()
	var said HighWater
	var saidAt time.Time
	say := func() {
		said, saidAt = w.records.HighWater(), time.Now()
		w.tell(testimony{HighWater: said})
	}
	for {
		select {
		case <-ctx.Done():
			w.tell(testimony{HighWater: w.records.HighWater(), Gone: true})
			return
		case <-w.asked:
			say()
			retry.Sleep(ctx, answerEvery)
		case <-tick.C:
			w.forget(time.Now())
			if w.records.Highest() > said.Sequence || time.Since(saidAt) >= testifyRarely {
				say()
			}
		}
	}
}

// WaitForPeers waits until everybody who was heard over a former connection has been
// heard over this one. Whoever stays away for awaitWitness is awaited no longer,
// and the error is [ErrPeersMissing] that once. One caller at a time.
func (w *Gossip) WaitForPeers(ctx context.Context) error {
	if !w.greeted && w.nc.IsConnected() {
		w.greeted = true
		w.ask()
		retry.Sleep(ctx, greetWithin)
	}
	again := time.NewTicker(askEvery)
	defer again.Stop()
	asking, since := NoGeneration, time.Now()
	for {
		over := generationOf(w.nc)
		away, came := w.away(over)
		switch {
		case len(away) == 0:
			return nil
		case !w.nc.IsConnected():
			return nats.ErrDisconnected
		case over != asking:
			asking, since = over, time.Now()
			w.ask()
		case time.Since(since) >= awaitWitness:
			w.giveUp(away)
			return ErrPeersMissing
		}
		select {
		case <-came:
		case <-again.C:
			w.ask()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// away lists who was last heard over another connection than this, and gives
// what tells when somebody is heard.
func (w *Gossip) away(over Generation) (names []string, came <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, h := range w.heard {
		if h.over != over {
			names = append(names, name)
		}
	}
	return names, w.came
}

func (w *Gossip) giveUp(names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		delete(w.heard, name)
	}
}

// forget drops those who could have been heard over this connection and were
// not for a long time. While there is none, nobody can be.
func (w *Gossip) forget(now time.Time) {
	if !w.nc.IsConnected() {
		return
	}
	over := generationOf(w.nc)
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, h := range w.heard {
		if h.over == over && now.Sub(h.at) >= goneAfter {
			delete(w.heard, name)
		}
	}
}

// hear takes in what another worker says. What cannot be read says nothing.
func (w *Gossip) hear(m *nats.Msg) {
	var t testimony
	if len(m.Data) > maxTestimony || json.Unmarshal(m.Data, &t) != nil || t.From == "" || t.From == w.self {
		return
	}
	w.records.MergeHighWater(t.HighWater)
	if t.Asks {
		select {
		case w.asked <- struct{}{}:
		default:
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.heard[t.From]
	switch {
	case t.Gone:
		delete(w.heard, t.From)
	case known || len(w.heard) < mostWitnesses:
		w.heard[t.From] = sighting{over: generationOf(w.nc), at: time.Now()}
	}
	close(w.came)
	w.came = make(chan struct{})
}

func (w *Gossip) ask() { w.tell(testimony{HighWater: w.records.HighWater(), Asks: true}) }

// tell is best effort: without a connection nobody is heard either.
func (w *Gossip) tell(t testimony) {
	t.From = w.self
	if data, err := json.Marshal(t); err == nil {
		_ = w.nc.Publish(witnessSubject, data)
	}
}
