package queue

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// headerIncrement makes a publish an addition to the counter that its subject
// is. The broker refuses every condition on one, so all that protects it is
// what the answer says.
const headerIncrement = "Nats-Incr"

var errNotCounted = errors.New("the broker's answer does not tell the counter's value")

func counterSubject(a call.Account, w int64) string {
	return RatePrefix + string(a) + "." + strconv.FormatInt(w, 10)
}

// count adds to a window's counter, and gives its value thereafter and the
// sequence of the addition. After an error it may have been made, or still be.
func count(ctx context.Context, js jetstream.JetStream, a call.Account, w int64, n int) (value int, sequence uint64, err error) {
	m := &nats.Msg{Subject: counterSubject(a, w), Header: nats.Header{headerIncrement: {strconv.Itoa(n)}}}
	failpoint.Eval(failpoint.RateIncrementBefore)
	ack, err := js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0)) // twice would be counted twice
	failpoint.Eval(failpoint.RateIncrementAfter)
	if err != nil {
		return 0, 0, err
	}
	value, err = strconv.Atoi(ack.Value)
	if err != nil || ack.Stream != StreamRate || ack.Sequence == 0 {
		return 0, 0, errNotCounted
	}
	return value, ack.Sequence, nil
}
