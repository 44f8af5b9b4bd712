package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// canarySubject is no record's: those have two tokens after the prefix.
const canarySubject = RecordsPrefix + "canary"

// maxCanary bounds the content of a canary, in bytes.
const maxCanary = 64

// Canary is the first message of CALL_RECORDS. It has no TTL, so whatever removes
// messages but a TTL of their own (an age, a limit, a purge) removes it before any
// record. One that is written again has another sequence and other content.
type Canary struct {
	Sequence uint64 `json:"sequence"`
	Content  string `json:"content"`
}

// StoredCanary is the canary of a stream, and when it was stored.
type StoredCanary struct {
	Canary
	Time time.Time
}

// ReadCanary asks the leader for the canary; zero if there is none. A message in its
// place that can vanish by itself is none.
func ReadCanary(ctx context.Context, s jetstream.Stream) (StoredCanary, error) {
	m, err := s.GetLastMsgForSubject(ctx, canarySubject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return StoredCanary{}, nil
	}
	if err != nil {
		return StoredCanary{}, fmt.Errorf("read the canary of stream %s: %w", StreamRecords, err)
	}
	if m.Header.Get(jetstream.MsgTTLHeader) != "" || len(m.Data) == 0 || len(m.Data) > maxCanary {
		return StoredCanary{}, nil
	}
	return StoredCanary{Canary{Sequence: m.Sequence, Content: string(m.Data)}, m.Time}, nil
}

// WriteFirstCanary writes the canary into a stream that never held anything. In any
// other it is there already, or an operator has to declare the records valid.
func WriteFirstCanary(ctx context.Context, js jetstream.JetStream) error {
	return writeCanary(ctx, js, nats.Header{jetstream.ExpectedLastSeqHeader: {"0"}})
}

// RewriteCanary writes another canary where there is none that holds.
func RewriteCanary(ctx context.Context, js jetstream.JetStream) error {
	return writeCanary(ctx, js, nats.Header{})
}

func writeCanary(ctx context.Context, js jetstream.JetStream, h nats.Header) error {
	m := &nats.Msg{Subject: canarySubject, Data: []byte(rand.Text()), Header: h}
	m.Header.Set(jetstream.ExpectedStreamHeader, StreamRecords)
	if _, err := js.PublishMsg(ctx, m); err != nil && !IsConflict(err) {
		return fmt.Errorf("write the canary of stream %s: %w", StreamRecords, err)
	}
	return nil
}
