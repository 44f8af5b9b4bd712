package queue

import (
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// source is one JetStream consumer. It belongs to the goroutine that runs its
// [Consumer]; what changes is the inbox's, under its lock.
type source struct {
	stream  string
	config  jetstream.ConsumerConfig
	subject string // that is asked for messages
	rank    int

	bound   bool // its consumer was there
	misses  int  // how often it was looked for in vain since
	pull    pull
	brought []*delivery
}

func newSource(stream string, rank int, config jetstream.ConsumerConfig) *source {
	return &source{stream: stream, config: config, rank: rank}
}

// apiPrefix begins the subjects of JetStream's API.
func apiPrefix(domain string) string {
	if domain == "" {
		return jetstream.DefaultAPIPrefix
	}
	return "$JS." + domain + ".API."
}

// nextSubject is where a consumer is asked for messages.
func nextSubject(domain, stream, consumer string) string {
	return apiPrefix(domain) + "CONSUMER.MSG.NEXT." + stream + "." + consumer
}

// ofRank gives the sources of one priority and their places, in the order in
// which they are asked: due calls, then new requests.
func (b *inbox) ofRank(rank int) iter.Seq2[int, *source] {
	return func(yield func(int, *source) bool) {
		for i, s := range b.sources {
			if s.rank == rank && !yield(i, s) {
				return
			}
		}
	}
}

// take gives what source i has now, at most n, and whether it has nothing more.
// A source that listens and was not answered has nothing, and is not asked.
func (b *inbox) take(i, n int) (got []*delivery, empty bool, err error) {
	got, state, err := b.takeOut(i, n)
	if err != nil || len(got) == n {
		return got, false, err
	}
	if state == listening {
		return got, true, nil
	}
	want := n - len(got)
	body := []byte(`{"batch":` + strconv.Itoa(want) + `,"no_wait":true}`)
	if err := b.request(i, pull{state: taking, wanted: want, overdue: time.Now().Add(answerWithin)}, body); err != nil {
		return got, false, err
	}
	b.await(i)
	more, _, err := b.takeOut(i, want)
	got = append(got, more...)
	if err != nil || len(more) == want {
		return got, false, err
	}
	return got, true, b.listen(i)
}

// takeOut gives what came for source i, at most n, and what it is doing.
func (b *inbox) takeOut(i, n int) ([]*delivery, pullState, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sources[i]
	if s.pull.state != answered && time.Now().After(s.pull.overdue) {
		s.pull.lose()
	}
	n = min(n, len(s.brought))
	got := s.brought[:n:n]
	if s.brought = s.brought[n:]; len(s.brought) == 0 {
		s.brought = nil
	}
	err := s.pull.err
	s.pull.err = nil
	if err != nil {
		err = fmt.Errorf("pull from %s, consumer %s: %w", s.stream, s.config.Durable, err)
	}
	return got, s.pull.state, err
}

// await waits until the pull of source i is over. It is one that the broker
// answers at once; a worker that is stopping waits for it, too, because what it
// brings has to be handed back.
func (b *inbox) await(i int) {
	overdue := time.NewTimer(answerWithin)
	defer overdue.Stop()
	for {
		b.mu.Lock()
		over := b.sources[i].pull.state != taking
		b.mu.Unlock()
		if over {
			return
		}
		select {
		case <-b.came:
		case <-overdue.C:
			b.mu.Lock()
			b.sources[i].pull.lose()
			b.mu.Unlock()
			return
		}
	}
}

// listenAt is what a listening pull asks.
var listenAt = []byte(`{"batch":1,"expires":` + strconv.FormatInt(listenFor.Nanoseconds(), 10) + `}`)

// listen has source i tell of its next message. The pull is for one: several
// workers may listen, and a message goes to the one that asked first.
func (b *inbox) listen(i int) error {
	return b.request(i, pull{state: listening, wanted: 1, overdue: time.Now().Add(listenFor + answerWithin)}, listenAt)
}

// listenAll has every source listen that may have nothing, and gives when the
// first of them is overdue. It gives none if there is something to take, or if
// the broker cannot be asked any more.
func (b *inbox) listenAll() time.Time {
	first := time.Now().Add(listenFor + answerWithin)
	for i, s := range b.sources {
		b.mu.Lock()
		now := time.Now()
		if s.pull.state == listening && !now.Before(s.pull.overdue) {
			s.pull.lose()
		}
		idle := s.bound && s.pull.state == answered
		something := len(s.brought) > 0 || s.pull.err != nil
		b.mu.Unlock()
		if something {
			return time.Time{}
		}
		if idle {
			if err := b.listen(i); err != nil {
				b.unbind(s, err)
				return time.Time{}
			}
		}
		b.mu.Lock()
		if s.pull.state == listening && s.pull.overdue.Before(first) {
			first = s.pull.overdue
		}
		b.mu.Unlock()
	}
	return first
}
