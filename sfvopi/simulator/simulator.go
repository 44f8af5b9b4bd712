package simulator

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Simulator is the provider, as an [http.Handler]. It is safe for concurrent
// use, and can be changed while it serves.
type Simulator struct {
	records   *records
	rules     *rules
	oracle    *oracle
	hooks     *hooks // nil: none are posted
	lifecycle *lifecycle
	ids       identifiers
	timing    Timing
	seed      uint64
	latency   atomic.Pointer[Latency]
	answers   atomic.Uint64 // numbers the answers, for jitter
	routes    *http.ServeMux
	bodies    sync.Pool // of *bytes.Buffer
}

// New checks the configuration, naming every mistake at once, and starts a
// simulator. It runs until Close.
func New(config Config) (*Simulator, error) {
	if len(config.World.Organisations) == 0 {
		config.World = DefaultWorld()
	}
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	s := &Simulator{
		records:   newRecords(config.World),
		rules:     newRules(config.Rules, config.Seed, !config.NoMagic),
		oracle:    newOracle(config.CountsOnly),
		hooks:     newHooks(config.Webhooks),
		lifecycle: newLifecycle(),
		timing:    config.Timing,
		seed:      config.Seed,
		routes:    http.NewServeMux(),
		bodies:    sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	// The clock keeps a restarted simulator from handing out the same
	// request_uuids again to those who still remember the first.
	s.ids.seed = mix(config.Seed) ^ uint64(time.Now().UnixNano())
	s.latency.Store(&config.Latency)
	s.handleProvider()
	s.handleAdmin()
	return s, nil
}

// ServeHTTP answers the provider's paths under /sfvopi and /superfone/sfvopi,
// and the simulator's own under /simulator. Faults that break the connection
// panic with [http.ErrAbortHandler], which net/http servers understand.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.routes.ServeHTTP(w, r)
}

// Close refuses new calls, releases all answers that are held back or hang, and
// waits for the calls in flight, webhooks included, until ctx is over. Then it
// breaks them off, waits for that, and returns why ctx was over. Handlers belong
// to the HTTP server, which is shut down after Close or beside it.
func (s *Simulator) Close(ctx context.Context) error {
	if err := s.lifecycle.close(ctx); err != nil {
		return fmt.Errorf("close the simulator: calls in flight were broken off: %w", err)
	}
	return nil
}

// SetLatency changes how long answers are held back.
func (s *Simulator) SetLatency(latency Latency) error {
	if err := latency.validate(); err != nil {
		return err
	}
	s.latency.Store(&latency)
	return nil
}

// PutRule adds a rule after all others, or replaces the one of its name in its
// place. Its counts, and the clock of its After and Until, start now.
func (s *Simulator) PutRule(rule Rule) error {
	if err := rule.validate(); err != nil {
		return err
	}
	s.rules.put(rule)
	return nil
}

// RemoveRule removes the rule of that name.
func (s *Simulator) RemoveRule(name string) error {
	if !s.rules.remove(name) {
		return fmt.Errorf("rule %q: %w", name, ErrNotFound)
	}
	return nil
}

// ClearRules removes all rules, and forgets all that rules and magic callees
// have counted.
func (s *Simulator) ClearRules() { s.rules.clear() }

// Rules are the rules in force, in the order in which they are tried.
func (s *Simulator) Rules() []Rule { return s.rules.all() }

// delay is how long the next answer is held back.
func (s *Simulator) delay() time.Duration {
	latency := s.latency.Load()
	if latency.Jitter == 0 {
		return latency.Fixed
	}
	// The top 53 bits of a mixed counter are an even share in [0, 1).
	share := float64(mix(s.seed+s.answers.Add(1))>>11) / (1 << 53)
	return latency.Fixed + time.Duration(share*float64(latency.Jitter))
}
