package backlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ackFloor is the sequence up to which a consumer has finished everything.
type ackFloor struct {
	sequence uint64
	subject  string // that the consumer filters by
}

// oldestAge returns the age of the first unfinished message above these floors. It
// finds one, too, that a worker handed back, which no count contains. The messages
// of a stream are in the order of their age, so that a floor above a message that
// was found needs no request of its own. With hundreds of accounts that halves the
// requests, of which a broker under load answers a hundred per second.
func oldestAge(ctx context.Context, s jetstream.Stream, floors []ackFloor, now time.Time) (time.Duration, error) {
	slices.SortFunc(floors, func(x, y ackFloor) int { return cmp.Compare(x.sequence, y.sequence) })
	var first *jetstream.RawStreamMsg
	for _, f := range floors {
		if first != nil && f.sequence >= first.Sequence {
			break
		}
		msg, err := s.GetMsg(ctx, f.sequence+1, jetstream.WithGetMsgSubject(f.subject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
		case err != nil:
			return 0, fmt.Errorf("look up the oldest message: %w", err)
		case first == nil || msg.Sequence < first.Sequence:
			first = msg
		}
	}
	if first == nil {
		return 0, nil
	}
	return now.Sub(first.Time), nil
}
