package queue

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// listenFor is how long one pull waits for a message of an idle source.
	listenFor = 30 * time.Second
	// answerWithin is how long after its end a pull may still be answered.
	answerWithin = RequestTimeout
)

var errPullLost = errors.New("the broker did not answer")

// refusedError is what the broker says of one consumer: it was deleted, has no
// leader, or has another one now. It says nothing of the other consumers.
type refusedError struct{ says string }

func (e refusedError) Error() string { return e.says }

// delivery is a message that a pull brought.
type delivery struct {
	msg  *nats.Msg
	meta *nats.MsgMetadata
}

type pullState int

const (
	// answered is a pull that is over. Nobody knows what its source has now.
	answered pullState = iota
	// taking is a pull for what is there now.
	taking
	// listening is a pull that waits for one message: until it is answered,
	// its source is known to have nothing.
	listening
)

// pull is one request to a JetStream consumer, and what became of it. Only its
// own statuses end it, but any message of its consumer counts: it is there.
type pull struct {
	serial  uint64
	state   pullState
	wanted  int       // messages that are still to come
	overdue time.Time // when it is given up
	err     error
}

func (p *pull) brought() {
	if p.wanted--; p.wanted <= 0 || p.state == listening {
		p.state = answered
	}
}

// end notes a status of the broker.
func (p *pull) end(status, description string) {
	switch {
	case status == "100": // a heartbeat
		return
	case status == "404", status == "408", description == "Batch Completed":
	case status == "503":
		p.err = refusedError{"the JetStream consumer is not there, or has no leader"}
	default:
		p.err = refusedError{fmt.Sprintf("the broker ended the pull: %s %s", status, description)}
	}
	p.state = answered
}

// lose gives a pull up that will not be answered.
func (p *pull) lose() {
	if p.state == taking {
		p.err = errPullLost
	}
	p.state = answered
}
