package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/queue"
)

const (
	// ledgerCheck is how often CALL_RECORDS is compared with what is remembered
	// of it.
	ledgerCheck = 30 * time.Second
	// checkWithin bounds one comparison at first: the lanes may be waiting for it,
	// and a broker without a leader answers the next question, not this one. One
	// that is only slow is given more each time, up to checkMost.
	checkWithin = 2 * time.Second
	checkMost   = 16 * time.Second
)

var errUnchecked = errors.New("the connection to NATS was lost; the call records are not checked yet")

// ledger watches over the stream of call records: while it may have gone back
// in time, nothing is dialled. It may have whenever the connection was lost.
type ledger struct {
	log  *slog.Logger
	halt func(error) // tells every lane

	suspect chan struct{} // holds a token when there is a reason to check at once

	mu      sync.Mutex
	down    bool // without a connection
	gone    bool // the last check found that it went back
	valid   queue.Ledger
	records *queue.Records
}

func newLedger(log *slog.Logger, halt func(error)) *ledger {
	return &ledger{log: log, halt: halt, suspect: make(chan struct{}, 1)}
}

// incarnation is when the present ledger began and from when it is complete.
func (l *ledger) incarnation() (created, validFrom time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.valid.Created, l.valid.ValidFrom
}

// regressed stops every lane until the next check has looked.
func (l *ledger) regressed() {
	l.halt(queue.ErrRecordsRegressed)
	l.hurry()
}

// hurry asks for a check at once.
func (l *ledger) hurry() {
	select {
	case l.suspect <- struct{}{}:
	default:
	}
}

// connected is told when the connection comes and goes. Behind the next one may
// be a broker with older files.
func (l *ledger) connected(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = !up
	if up {
		l.hurry()
	} else {
		l.halt(errUnchecked)
	}
}

// isDown tells that there is no connection, which is said elsewhere.
func (l *ledger) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

// heard is told what the control bucket says of the ledger: nobody waits long
// for a declaration to be noticed, and what one worker saw all of them know.
func (l *ledger) heard(said queue.Ledger) {
	l.mu.Lock()
	news, records := said.Regressed && !l.gone || !said.Declared.Equal(l.valid.Declared), l.records
	l.mu.Unlock()
	if records != nil {
		records.Learn(said)
	}
	if news {
		l.hurry()
	}
}

// check hears whoever else knows the records, compares once, and opens or halts
// the lanes by what it finds. An error that says nothing about the records leaves
// the lanes as they are.
func (l *ledger) check(ctx context.Context, b *broker, within time.Duration) error {
	if err := b.witnesses.Await(ctx); errors.Is(err, queue.ErrWitnessesAway) {
		l.log.Warn("the call records are checked without some who may know them", "why", err)
	} else if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	valid, err := b.records.Check(ctx)
	var regressed *queue.RegressedError
	if errors.As(err, &regressed) {
		l.halt(err)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gone = true
		return err
	}
	if err != nil {
		return err
	}
	b.records.Follow(valid)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.valid, l.records, l.gone = valid, b.records, false
	if !l.down {
		l.halt(nil)
	}
	return nil
}

// run checks at once, and then now and again until ctx ends. A check that could
// not be made is made again soon: lanes may be waiting for it.
func (l *ledger) run(ctx context.Context, b *broker) {
	failures := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
	var loud seldom
	within := checkWithin
	for {
		again := ledgerCheck
		err := l.check(ctx, b, within)
		if ctx.Err() != nil {
			return
		}
		var regressed *queue.RegressedError
		unknown := err != nil && !errors.As(err, &regressed)
		if err != nil && (!unknown || !l.isDown() && loud.may()) {
			l.log.Error("checking the call records failed", "error", err)
		}
		if unknown {
			again, within = failures.NextBackOff(), min(2*within, checkMost)
		} else {
			within = checkWithin
			failures.Reset()
		}
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-l.suspect:
		}
		timer.Stop()
	}
}
