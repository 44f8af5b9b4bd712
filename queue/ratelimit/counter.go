package ratelimit

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/queue"
)

// headerIncrement makes a publish an addition to the counter that its subject
// is. The broker refuses every condition on one: only its response protects it.
const headerIncrement = "Nats-Incr"

var errNotACounter = errors.New("the broker's response has no value of the counter")

// increment adds n to a window's counter, and returns its value after that and
// the sequence of the addition. After an error it may have been added, or still
// be.
func increment(ctx context.Context, js jetstream.JetStream, a call.Account, w int64, n int) (value int, sequence uint64, err error) {
	m := &nats.Msg{Subject: queue.RatePrefix + string(a) + "." + strconv.FormatInt(w, 10), Header: nats.Header{headerIncrement: {strconv.Itoa(n)}}}
	failpoint.Eval(failpoint.RateIncrementBefore)
	ack, err := js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0)) // a second attempt would count twice
	failpoint.Eval(failpoint.RateIncrementAfter)
	if err != nil {
		return 0, 0, err
	}
	value, err = strconv.Atoi(ack.Value)
	if err != nil || ack.Stream != queue.StreamRate || ack.Sequence == 0 {
		return 0, 0, errNotACounter
	}
	return value, ack.Sequence, nil
}
