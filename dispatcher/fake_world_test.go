package dispatcher

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
)

// world is two workers and a broker that delivers at least once, in which
// everything takes its time, answers are lost and workers die at any step. It
// is drawn from a seed and runs on a bubble's clock.
type world struct {
	ctx     context.Context
	workers []*fixture

	mu       sync.Mutex
	rng      *rand.Rand
	calm     bool // nothing fails any more
	messages []*worldMessage
	schedule *worldMessage // of the one call, until it fires
	running  sync.WaitGroup
	dials    []*worldDial
	wrongs   []string
}

// worldDial is one POST that was written.
type worldDial struct {
	ended bool
	class call.Class
}

func newWorld(ctx context.Context, seed uint64) *world {
	w := &world{ctx: ctx, rng: rand.New(rand.NewPCG(seed, 1))}
	first := newFixture()
	for i, name := range []string{"one", "two"} {
		b := newFixture()
		b.Worker, b.Nonce = name, nonces(name)
		b.records, b.Records = first.records, first.records
		b.deadLetters, b.DeadLetters = first.deadLetters, first.deadLetters
		b.Scheduler = &fakeScheduler{journal: b.journal, onSchedule: w.park}
		b.provider.place = w.place
		b.directory.lookup = w.step
		w.workers = append(w.workers, b)
		_ = i
	}
	first.records.before, first.records.lateDelay = w.recordStep, w.pause
	first.deadLetters.onPut = w.step
	return w
}

// draw returns a number below n.
func (w *world) draw(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

func (w *world) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

func (w *world) pause() time.Duration {
	switch w.draw(8) {
	case 0:
		return time.Duration(w.draw(90)) * time.Second // it was stopped, or the broker was away
	case 1, 2:
		return time.Duration(w.draw(3000)) * time.Millisecond
	default:
		return time.Duration(w.draw(20)) * time.Millisecond
	}
}

// step is what lies between any two effects: time, and sometimes the end of the
// worker.
func (w *world) step() {
	if w.isCalm() {
		return
	}
	<-time.After(w.pause())
	if w.draw(25) == 0 && !w.isCalm() {
		runtime.Goexit() // its process was killed
	}
}

func (w *world) recordStep() {
	w.step()
	records := w.workers[0].records
	if f := fault(w.draw(12)); f <= writeLate && f != works && !w.isCalm() {
		records.fail(f)
	}
}

// place is the provider: it keeps the deadline, as the client does, and may
// ring.
func (w *world) place(_ context.Context, _ call.Request, by call.Deadline) call.Outcome {
	w.step()
	interrupted := call.Outcome{Class: call.Refused, Reason: call.Interrupted, Unspent: true}
	if by.Passed(time.Now()) {
		return interrupted
	}
	d := w.dial()
	if !w.isCalm() {
		<-time.After(min(w.pause(), 30*time.Second))
	}
	outcome := []call.Outcome{placedOutcome, refusedOutcome, refusedOutcome, unknownOutcome, interrupted}[w.draw(5)]
	if w.draw(20) == 0 && !w.isCalm() {
		outcome = unknownOutcome
		defer panic("broken")
	}
	w.mu.Lock()
	d.ended, d.class = true, outcome.Class
	w.mu.Unlock()
	w.step()
	return outcome
}

// dial notes a POST. Every one before must have proved that it did not ring.
func (w *world) dial() *worldDial {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, d := range w.dials {
		if !d.ended || d.class != call.Refused {
			w.wrongs = append(w.wrongs, fmt.Sprintf("POST %d goes out although POST %d came to %q (ended: %t)", len(w.dials)+1, i+1, d.class, d.ended))
		}
	}
	d := &worldDial{}
	w.dials = append(w.dials, d)
	return d
}

// worldMessage is one message at the broker.
type worldMessage struct {
	world      *world
	delivery   call.Delivery
	deliveries uint64
	turn       int // counts what was asked for; a timer of an earlier turn is void
	gone       bool
}

func (w *world) publish(d call.Delivery) {
	m := &worldMessage{world: w, delivery: d}
	w.mu.Lock()
	w.messages = append(w.messages, m)
	w.mu.Unlock()
	m.after(0)
}

// park replaces the schedule; when it fires it becomes a message.
func (w *world) park(r call.Record, v call.Version) {
	w.step()
	m := &worldMessage{world: w, delivery: due(r, v)}
	w.mu.Lock()
	if w.schedule != nil {
		w.schedule.gone = true
	}
	w.schedule = m
	w.messages = append(w.messages, m)
	w.mu.Unlock()
	time.AfterFunc(time.Until(r.NextAt), func() {
		w.mu.Lock()
		fires := w.schedule == m
		if fires {
			w.schedule = nil
		}
		w.mu.Unlock()
		if fires {
			m.after(0)
		}
	})
	w.step()
}

// after delivers the message when the delay is over, unless something else was
// asked for meanwhile.
func (m *worldMessage) after(delay time.Duration) {
	m.world.mu.Lock()
	m.turn++
	turn := m.turn
	m.world.mu.Unlock()
	time.AfterFunc(delay, func() { m.deliver(turn) })
}

const worldAckWait = 45 * time.Second

func (m *worldMessage) deliver(turn int) {
	w := m.world
	w.mu.Lock()
	if m.gone || turn != m.turn {
		w.mu.Unlock()
		return
	}
	m.deliveries++
	d := m.delivery
	d.Delivered = m.deliveries
	b := w.workers[w.rng.IntN(len(w.workers))]
	w.running.Add(1)
	w.mu.Unlock()
	go func() {
		defer w.running.Done()
		b.Handle(w.ctx, d, m, b.Lane.Acquire())
	}()
	m.after(worldAckWait)
}

func (m *worldMessage) Ack() error {
	m.world.step()
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	m.gone = true
	return nil
}

func (m *worldMessage) Nak(delay time.Duration) error {
	m.world.step()
	m.after(delay)
	return nil
}

// settleDown stops the faults and waits until nothing moves any more.
func (w *world) settleDown() {
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.workers[0].records.fail()
	<-time.After(30 * time.Hour)
	w.running.Wait()
}

func (w *world) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, m := range w.messages {
		if !m.gone {
			n++
		}
	}
	return n
}
