package pull

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ringonce/ringonce/queue"
)

// fetch returns what source i has now, at most n, and whether it has nothing
// more. A source that waits and was not answered has nothing, and is not asked.
func (b *inbox) fetch(i, n int) (got []*delivery, exhausted bool, err error) {
	got, state, err := b.takeBuffered(i, n)
	if err != nil || len(got) == n {
		return got, false, err
	}
	if state == waiting {
		return got, true, nil
	}
	missing := n - len(got)
	body := []byte(`{"batch":` + strconv.Itoa(missing) + `,"no_wait":true}`)
	if err := b.request(i, pull{state: fetching, missing: missing, deadline: time.Now().Add(queue.RequestTimeout)}, body); err != nil {
		return got, false, err
	}
	b.awaitFetched(i)
	more, _, err := b.takeBuffered(i, missing)
	got = append(got, more...)
	if err != nil || len(more) == missing {
		return got, false, err
	}
	return got, true, b.wait(i)
}

// takeBuffered returns what came for source i, at most n, and the state of its
// pull.
func (b *inbox) takeBuffered(i, n int) ([]*delivery, pullState, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sources[i]
	s.pull.expire()
	n = min(n, len(s.buffered))
	got := s.buffered[:n:n]
	if s.buffered = s.buffered[n:]; len(s.buffered) == 0 {
		s.buffered = nil
	}
	err := s.pull.err
	s.pull.err = nil
	if err != nil {
		err = fmt.Errorf("pull from %s, consumer %s: %w", s.stream, s.config.Durable, err)
	}
	return got, s.pull.state, err
}

// awaitFetched waits until source i fetches no more. The broker answers such a
// pull at once; a worker that stops waits for it too, because what it brings has
// to be handed back.
func (b *inbox) awaitFetched(i int) {
	timeout := time.NewTimer(queue.RequestTimeout)
	defer timeout.Stop()
	for {
		b.mu.Lock()
		p := &b.sources[i].pull
		p.expire()
		over := p.state != fetching
		b.mu.Unlock()
		if over {
			return
		}
		select {
		case <-b.notifyCh:
		case <-timeout.C:
		}
	}
}

var waitBody = []byte(`{"batch":1,"expires":` + strconv.FormatInt(waitExpiry.Nanoseconds(), 10) + `}`)

// wait has source i bring its next message. The pull is for one: several workers
// may wait, and a message goes to the one that asked first.
func (b *inbox) wait(i int) error {
	return b.request(i, pull{state: waiting, missing: 1, deadline: time.Now().Add(waitExpiry + queue.RequestTimeout)}, waitBody)
}

// waitAll has every source wait that may have nothing, and returns the first of
// their deadlines. It returns none if there is something to take, or if the
// broker cannot be asked any more.
func (b *inbox) waitAll() time.Time {
	first := time.Now().Add(waitExpiry + queue.RequestTimeout)
	for i, s := range b.sources {
		b.mu.Lock()
		s.pull.expire()
		isIdle := s.bound && s.pull.state == idle
		something := len(s.buffered) > 0 || s.pull.err != nil
		b.mu.Unlock()
		if something {
			return time.Time{}
		}
		if isIdle {
			if err := b.wait(i); err != nil {
				b.unbind(s, err)
				return time.Time{}
			}
		}
		b.mu.Lock()
		if s.pull.state == waiting && s.pull.deadline.Before(first) {
			first = s.pull.deadline
		}
		b.mu.Unlock()
	}
	return first
}
