package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// probeSubject is where writes to CALL_RECORDS are tried. Like the canary's it is
// no record's.
const probeSubject = RecordsPrefix + "probe"

// neverSequence is a version that no message has.
const neverSequence = math.MaxInt64

var errNoAnswer = errors.New("the broker does not answer")

// noteRefused takes in that a write was not confirmed. Another version in its place
// is an answer like any other.
func (r *Records) noteRefused(err error) {
	if errors.Is(err, call.ErrConflict) || !r.nc.IsConnected() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = true
}

// ProbeWrites finds out whether CALL_RECORDS takes writes; the error says why not.
//
// It asks for a write that cannot be, so that the leader has to refuse it: a
// message that was stored would use up a sequence, and sequences are how workers
// notice an older copy. A stream that is full refuses only what it would store.
// So after a write was refused it writes, as a claim would be, until one is
// confirmed.
func (r *Records) ProbeWrites(ctx context.Context) error {
	before, over, write := r.HighWater(), r.checkedOver(), r.wasRefused()
	if over != generationOf(r.nc) { // nothing is written before a check
		over, write = anyGeneration, false
	}
	m := &nats.Msg{Subject: probeSubject, Header: nats.Header{}}
	if !write {
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(neverSequence, 10))
	}
	sequence, err := publishOn(ctx, r.answers, over, StreamRecords, m)
	switch {
	case errors.Is(err, call.ErrConflict), errors.Is(err, ErrReconnected):
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		err = errNoAnswer
	}
	if err != nil {
		return fmt.Errorf("%s does not take writes, so that nothing is dialled: %w; look at its size, its settings, its leader and "+
			"the permission to publish to %s>, such as with: nats stream info %[1]s", StreamRecords, err, RecordsPrefix)
	}
	r.mu.Lock()
	r.refused = false
	r.mu.Unlock()
	_, _ = r.confirmed(sequence, before) // one that is too low halts the lanes there
	return nil
}

func (r *Records) wasRefused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}
