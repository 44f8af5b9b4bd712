package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// Metrics is everything that one worker exports. All methods are safe for
// concurrent use.
type Metrics struct {
	process

	vectors    vectors
	attempts   attemptVectors
	calls      callVectors
	claims     claimVectors
	lanes      laneVectors
	rateLimits rateLimitVectors
	queues     queueVectors
	linkage    linkageVectors

	// mu guards accounts, and makes creating and removing the series of an
	// account atomic. Counting does not take it.
	mu       sync.Mutex
	accounts map[call.Account]*Account
}

// Account counts for one account. All methods are safe for concurrent use, and
// none fails: the package comment says how values outside their list count.
type Account struct {
	attemptSeries
	callSeries
	claimSeries
	laneSeries
	rateLimitSeries
	queueSeries
	linkageSeries

	// Read when scraped; never nil.
	lane    atomic.Pointer[call.LaneState]
	fetched atomic.Pointer[time.Time]
}

// New registers all metrics on reg. Like promauto it panics if they are already
// registered there.
func New(reg prometheus.Registerer, b Build) *Metrics {
	m := &Metrics{process: newProcess(reg, b), accounts: map[call.Account]*Account{}}
	m.attempts = newAttemptVectors(&m.vectors)
	m.calls = newCallVectors(&m.vectors)
	m.claims = newClaimVectors(&m.vectors)
	m.lanes = newLaneVectors(&m.vectors)
	m.rateLimits = newRateLimitVectors(&m.vectors)
	m.queues = newQueueVectors(&m.vectors)
	m.linkage = newLinkageVectors(&m.vectors)
	m.vectors.register(reg)
	reg.MustRegister(newCollector(m.snapshot))
	return m
}

// Account returns the handle of a, and creates all of its series the first time.
// Keep the handle: it saves a look-up for every call.
func (m *Metrics) Account(a call.Account) *Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.accounts[a]; ok {
		return known
	}
	account := m.newAccount(string(a))
	m.accounts[a] = account
	return account
}

func (m *Metrics) newAccount(name string) *Account {
	a := &Account{
		attemptSeries:   m.attempts.series(name),
		callSeries:      m.calls.series(name),
		claimSeries:     m.claims.series(name),
		laneSeries:      m.lanes.series(name),
		rateLimitSeries: m.rateLimits.series(name),
		queueSeries:     m.queues.series(name),
		linkageSeries:   m.linkage.series(name),
	}
	a.Lane(call.LaneStopped)
	a.Directory(time.Time{}, 0)
	return a
}

// RemoveAccount removes all series of an account that is no longer served. A handle
// that is still held may be used, but what it counts is not exported.
func (m *Metrics) RemoveAccount(a call.Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.accounts, a)
	m.vectors.deleteAccount(string(a))
}

// snapshot returns a copy, so that a scrape does not hold the lock.
func (m *Metrics) snapshot() map[call.Account]*Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.accounts)
}
