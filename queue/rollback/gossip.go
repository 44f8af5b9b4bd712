package rollback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/queue"
)

const (
	// gossipSubject is where workers publish how far they saw CALL_RECORDS come.
	// No stream stores it: what is restored with the broker's files is no evidence
	// against them.
	gossipSubject = "calls.highwater"
	// A worker publishes every gossipInterval while its mark advances, else every
	// gossipIdleInterval. A peer that was silent for peerTTL is gone.
	gossipInterval     = 5 * time.Second
	gossipIdleInterval = 30 * time.Second
	peerTTL            = 2 * time.Minute
	// peerTimeout bounds the wait for peers over a new connection. Those that lost
	// the same broker connect again every five seconds or so.
	peerTimeout   = 10 * time.Second
	queryInterval = time.Second
	// initialReplyTimeout is how long a worker that has just started, and knows no
	// peer, waits for replies.
	initialReplyTimeout = 250 * time.Millisecond
	// replyInterval bounds how often queries are answered: many come at once when
	// a broker comes back.
	replyInterval = 100 * time.Millisecond
	// maxReport bounds a message, in bytes, and maxPeers how many peers are
	// remembered.
	maxReport = 4 << 10
	maxPeers  = 10_000
)

// ErrPeersMissing reports that peers which were there before the connection was
// lost have not reported since. What only they saw of the records is not known.
var ErrPeersMissing = errors.New("workers that were there before the connection was lost were not heard since")

// Gossip exchanges high-water marks with the other workers.
//
// A worker recognises that the broker's files were restored from an older copy by
// its own mark. If its mark is old, because others had the work lately, the older
// copy looks intact. So after the connection was lost it waits for the peers that
// were there before, and for their marks.
type Gossip struct {
	nc      *nats.Conn
	records *queue.Records
	self    string
	sub     *nats.Subscription
	queried chan struct{} // holds a token when a peer wants a reply
	started bool          // the first query was sent; belongs to the caller of WaitForPeers

	mu       sync.Mutex
	peers    map[string]lastReport
	received chan struct{} // closed, and replaced, with every report
}

// lastReport is when and over which connection a peer last reported.
type lastReport struct {
	generation queue.Generation
	at         time.Time
}

// report is what a worker publishes.
type report struct {
	From string `json:"from"`
	queue.HighWater
	Query   bool `json:"query,omitzero"` // the peers are to reply
	Leaving bool `json:"leaving,omitzero"`
}

// NewGossip subscribes to the reports of the other workers.
func NewGossip(records *queue.Records) (*Gossip, error) {
	g := &Gossip{
		nc: records.Conn().NATS(), records: records, self: rand.Text(), queried: make(chan struct{}, 1),
		peers: map[string]lastReport{}, received: make(chan struct{}),
	}
	var err error
	if g.sub, err = g.nc.Subscribe(gossipSubject, g.receive); err != nil {
		return nil, fmt.Errorf("subscribe to the high-water marks of other workers: %w", err)
	}
	return g, nil
}

// Run publishes the mark of this worker until ctx ends; then it unsubscribes.
func (g *Gossip) Run(ctx context.Context) {
	defer func() { _ = g.sub.Unsubscribe() }() // fails if the connection is closed, which ends it too
	tick := time.NewTicker(gossipInterval)
	defer tick.Stop()
	var published queue.HighWater
	var publishedAt time.Time
	publish := func() {
		published, publishedAt = g.records.HighWater(), time.Now()
		g.publish(report{HighWater: published})
	}
	for {
		select {
		case <-ctx.Done():
			g.publish(report{HighWater: g.records.HighWater(), Leaving: true})
			return
		case <-g.queried:
			publish()
			retry.Sleep(ctx, replyInterval)
		case <-tick.C:
			g.expire(time.Now())
			if g.records.HighWater().Sequence > published.Sequence || time.Since(publishedAt) >= gossipIdleInterval {
				publish()
			}
		}
	}
}

// WaitForPeers waits until every peer that reported over a former connection has
// reported over this one. After peerTimeout it forgets those that have not, and
// returns [ErrPeersMissing] that once. It is not for concurrent use.
func (g *Gossip) WaitForPeers(ctx context.Context) error {
	if !g.started && g.nc.IsConnected() {
		g.started = true
		g.query()
		retry.Sleep(ctx, initialReplyTimeout)
	}
	repeat := time.NewTicker(queryInterval)
	defer repeat.Stop()
	queried, since := queue.NoGeneration, time.Now()
	for {
		generation := g.records.Conn().Generation()
		missing, received := g.missing(generation)
		switch {
		case len(missing) == 0:
			return nil
		case !g.nc.IsConnected():
			return nats.ErrDisconnected
		case generation != queried:
			queried, since = generation, time.Now()
			g.query()
		case time.Since(since) >= peerTimeout:
			g.remove(missing)
			return ErrPeersMissing
		}
		select {
		case <-received:
		case <-repeat.C:
			g.query()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// missing lists the peers that last reported over another connection, and
// returns a channel that is closed with the next report.
func (g *Gossip) missing(generation queue.Generation) (names []string, received <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, seen := range g.peers {
		if seen.generation != generation {
			names = append(names, name)
		}
	}
	return names, g.received
}

func (g *Gossip) remove(names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names {
		delete(g.peers, name)
	}
}

// expire drops the peers that could have reported over this connection and have
// not for peerTTL. Without a connection none can report, and none expires.
func (g *Gossip) expire(now time.Time) {
	if !g.nc.IsConnected() {
		return
	}
	generation := g.records.Conn().Generation()
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, seen := range g.peers {
		if seen.generation == generation && now.Sub(seen.at) >= peerTTL {
			delete(g.peers, name)
		}
	}
}

// receive handles a report of another worker. One that cannot be read is ignored.
func (g *Gossip) receive(m *nats.Msg) {
	var r report
	if len(m.Data) > maxReport || json.Unmarshal(m.Data, &r) != nil || r.From == "" || r.From == g.self {
		return
	}
	g.records.MergeHighWater(r.HighWater)
	if r.Query {
		select {
		case g.queried <- struct{}{}:
		default:
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, known := g.peers[r.From]
	switch {
	case r.Leaving:
		delete(g.peers, r.From)
	case known || len(g.peers) < maxPeers:
		g.peers[r.From] = lastReport{generation: g.records.Conn().Generation(), at: time.Now()}
	}
	close(g.received)
	g.received = make(chan struct{})
}

func (g *Gossip) query() { g.publish(report{HighWater: g.records.HighWater(), Query: true}) }

// publish is best effort: without a connection no peer reports either.
func (g *Gossip) publish(r report) {
	r.From = g.self
	if data, err := json.Marshal(r); err == nil {
		_ = g.nc.Publish(gossipSubject, data)
	}
}
