package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// Metrics is everything that one worker tells Prometheus. All methods may be
// called at the same time.
type Metrics struct {
	process

	vectors  vectors
	attempts attemptVectors
	endings  endingVectors
	claims   claimVectors
	lanes    laneVectors
	limits   limitVectors
	queues   queueVectors
	linkage  linkageVectors

	// mu makes creating and removing the series of an account one step each,
	// and guards accounts. Counting never takes it.
	mu       sync.Mutex
	accounts map[call.Account]*Account
}

// Account counts for one account. All methods may be called at the same time,
// and none of them fails: see the package comment for what becomes of a value
// that is on no list.
type Account struct {
	attemptSeries
	endingSeries
	claimSeries
	laneSeries
	limitSeries
	queueSeries
	linkageSeries

	// Read when scraped; never nil.
	lane    atomic.Pointer[call.LaneState]
	fetched atomic.Pointer[time.Time]
}

// New registers all metrics on reg. Like promauto it panics if they are
// registered there already: a program calls it once for each registry.
func New(reg prometheus.Registerer, b Build) *Metrics {
	m := &Metrics{process: newProcess(reg, b), accounts: map[call.Account]*Account{}}
	m.attempts = newAttemptVectors(&m.vectors)
	m.endings = newEndingVectors(&m.vectors)
	m.claims = newClaimVectors(&m.vectors)
	m.lanes = newLaneVectors(&m.vectors)
	m.limits = newLimitVectors(&m.vectors)
	m.queues = newQueueVectors(&m.vectors)
	m.linkage = newLinkageVectors(&m.vectors)
	m.vectors.register(reg)
	reg.MustRegister(newScraped(m.known))
	return m
}

// Account gives the handle to count with for a, and creates all of its series
// the first time. Keep the handle: the look-up is not made for every call.
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
		attemptSeries: m.attempts.series(name),
		endingSeries:  m.endings.series(name),
		claimSeries:   m.claims.series(name),
		laneSeries:    m.lanes.series(name),
		limitSeries:   m.limits.series(name),
		queueSeries:   m.queues.series(name),
		linkageSeries: m.linkage.series(name),
	}
	a.Lane(call.LaneStopped)
	a.Directory(time.Time{}, 0)
	return a
}

// Forget removes all series of an account that is no longer served. A handle
// that is still held may be used, and what it counts is not seen any more.
func (m *Metrics) Forget(a call.Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.accounts, a)
	m.vectors.forget(string(a))
}

// known gives a copy, so that a scrape holds up nobody.
func (m *Metrics) known() map[call.Account]*Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.accounts)
}
