package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/failpoint"
)

// headerIncrement makes a publish an addition to the counter that its subject
// is. The broker refuses every condition on one, so all that protects it is
// what the answer says.
const headerIncrement = "Nats-Incr"

var errNotCounted = errors.New("the broker's answer does not tell the counter's value")

// counted is the broker's answer to an addition.
type counted struct {
	Stream   string `json:"stream"`
	Sequence uint64 `json:"seq"`
	Value    string `json:"val"`
	Error    *struct {
		Code        jetstream.ErrorCode `json:"err_code"`
		Description string              `json:"description"`
	} `json:"error"`
}

func counterSubject(a call.Account, w int64) string {
	return ratePrefix + string(a) + "." + strconv.FormatInt(w, 10)
}

// count adds to a window's counter, and gives its value thereafter and the
// sequence of the addition. After an error it may have been made, or still be.
func count(ctx context.Context, nc *nats.Conn, a call.Account, w int64, n int) (value int, sequence uint64, err error) {
	m := &nats.Msg{Subject: counterSubject(a, w), Header: nats.Header{headerIncrement: {strconv.Itoa(n)}}}
	failpoint.Here(failpoint.CountBefore)
	answer, err := nc.RequestMsgWithContext(ctx, m)
	failpoint.Here(failpoint.CountAfter)
	if errors.Is(err, nats.ErrNoResponders) {
		return 0, 0, errNoResponse
	}
	if err != nil {
		return 0, 0, err
	}
	var c counted
	if err := json.Unmarshal(answer.Data, &c); err != nil {
		return 0, 0, errNotCounted
	}
	if c.Error != nil {
		return 0, 0, fmt.Errorf("the broker refused it: %s (%d)", c.Error.Description, c.Error.Code)
	}
	value, err = strconv.Atoi(c.Value)
	if err != nil || c.Stream != StreamRate || c.Sequence == 0 {
		return 0, 0, errNotCounted
	}
	return value, c.Sequence, nil
}
