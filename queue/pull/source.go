package pull

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

const (
	// maxAckPending is more than all workers of an account hold at once; what they
	// hold is bounded by what they pull.
	maxAckPending = 20000
	// waitExpiry is how long one pull waits for a message of an idle source.
	waitExpiry = 30 * time.Second
)

// source is one JetStream consumer that an account pulls from. What changes is
// guarded by the inbox's lock.
type source struct {
	stream  string
	config  jetstream.ConsumerConfig
	subject string // that takes pulls
	rank    int

	bound        bool // its consumer was there
	bindFailures int  // since it was bound last
	pull         pull
	buffered     []*delivery
}

// newSources lists what an account pulls from, the most pressing first.
func newSources(cfg Config, domain string) []*source {
	sources := make([]*source, 0, 2*priorities)
	add := func(stream string, rank int, name, subject string) {
		sources = append(sources, &source{
			stream: stream, rank: rank, config: consumerConfig(name, cfg, subject), subject: pullSubject(domain, stream, name),
		})
	}
	for rank, p := range call.Priorities() {
		add(queue.StreamParked, rank, queue.DueConsumer(cfg.Account, p), queue.DueSubject(cfg.Account, p))
		add(queue.StreamOf(p), rank, queue.RequestConsumer(cfg.Account, p), queue.StoredSubject(cfg.Account, p))
	}
	return sources
}

func consumerConfig(name string, cfg Config, subject string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, FilterSubject: subject,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: cfg.AckWait, MaxAckPending: maxAckPending,
		// The broker would write a file for each consumer several times a second,
		// which with hundreds of accounts is most of what it does. What the files
		// hold is which messages are held, and no rule relies on that: after a
		// restart those come at once, as if they were new, and their records say
		// what became of them.
		MemoryStorage: true,
		// A message that the broker gives up would be stranded in a work queue;
		// attempts are counted in the record.
		MaxDeliver: -1,
	}
}

// pullSubject is where a consumer takes pulls.
func pullSubject(domain, stream, consumer string) string {
	prefix := jetstream.DefaultAPIPrefix
	if domain != "" {
		prefix = "$JS." + domain + ".API."
	}
	return prefix + "CONSUMER.MSG.NEXT." + stream + "." + consumer
}

var errPullLost = errors.New("the broker did not answer")

// consumerError is what the broker reports of one consumer: it was deleted, has
// no leader, or has another one now. It says nothing of the other consumers.
type consumerError struct{ report string }

func (e consumerError) Error() string { return e.report }

// delivery is a message that a pull brought.
type delivery struct {
	msg  *nats.Msg
	meta *nats.MsgMetadata
}

type pullState int

const (
	// idle is a pull that is over. What its source has now is not known.
	idle pullState = iota
	// fetching is a pull for what is there now.
	fetching
	// waiting is a pull that waits for one message: until it is answered, its
	// source is known to have nothing.
	waiting
)

// pull is one request to a JetStream consumer, and what became of it. Only its
// own statuses end it, but any message of its consumer counts: it is there.
type pull struct {
	id       uint64
	state    pullState
	missing  int       // messages that are still to come
	deadline time.Time // when it is given up
	err      error
}

func (p *pull) onMessage() {
	if p.missing--; p.missing <= 0 || p.state == waiting {
		p.state = idle
	}
}

func (p *pull) onStatus(status, description string) {
	switch {
	case status == "100": // a heartbeat
		return
	case status == "404", status == "408", description == "Batch Completed":
	case status == "503":
		p.err = consumerError{"the JetStream consumer is not there, or has no leader"}
	default:
		p.err = consumerError{fmt.Sprintf("the broker ended the pull: %s %s", status, description)}
	}
	p.state = idle
}

// expire abandons a pull whose deadline is over.
func (p *pull) expire() {
	if p.state != idle && !time.Now().Before(p.deadline) {
		p.abandon()
	}
}

// abandon ends a pull that will not be answered.
func (p *pull) abandon() {
	if p.state == fetching {
		p.err = errPullLost
	}
	p.state = idle
}
