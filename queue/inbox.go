package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// inbox is where everything arrives that the sources of one account ask for:
// one subscription that lasts as long as they pull.
//
// JetStream has no way to take a pull back. Whoever merely stops listening
// loses the message that is on its way just then: nobody has it, and it comes
// again only after AckWait. So nothing is taken back. An inbox is open while
// calls may be dialled, and closed otherwise; a pull that is answered while it
// is closed hands its message back at once, to whoever may dial it.
type inbox struct {
	nc      *nats.Conn
	log     *slog.Logger
	account call.Account
	prefix  string // of the subjects that answers come to
	sub     *nats.Subscription
	// came has a token when something has happened.
	came chan struct{}
	// lost has an error when a source has come to be unbound.
	lost chan error

	mu      sync.Mutex
	sources []*source
	open    bool
	opened  uint64 // how often
	expects uint64 // the opening after which a delayed closing is void
	serial  uint64 // of the last pull
}

func newInbox(nc *nats.Conn, account call.Account, log *slog.Logger) *inbox {
	return &inbox{nc: nc, account: account, log: log, prefix: nats.NewInbox() + ".", came: make(chan struct{}, 1), lost: make(chan error, 1)}
}

// serve begins to receive.
func (b *inbox) serve() error {
	sub, err := b.nc.Subscribe(b.prefix+"*.*", b.arrive)
	if err != nil {
		return fmt.Errorf("subscribe to what is pulled: %w", err)
	}
	b.sub = sub
	return nil
}

// leave closes the inbox for good, after handing back everything that the
// broker had sent before it heard of it.
func (b *inbox) leave(ctx context.Context) {
	b.shut()
	if b.sub == nil {
		return
	}
	drained := make(chan struct{})
	b.sub.SetClosedHandler(func(string) { close(drained) })
	if err := b.sub.Drain(); err != nil {
		return // the connection is gone, and with it whatever was on its way
	}
	select {
	case <-drained:
	case <-ctx.Done():
	}
}

// admit opens the inbox: calls may be dialled.
func (b *inbox) admit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = true
	b.opened++
}

// shut closes the inbox, and hands back what nobody has taken out of it.
func (b *inbox) shut() { b.shutIf(func() bool { return true }) }

// shutIf closes the inbox if something holds, which is asked with the lock held.
func (b *inbox) shutIf(holds func() bool) {
	b.mu.Lock()
	if !holds() {
		b.mu.Unlock()
		return
	}
	b.open = false
	var left []*delivery
	for _, s := range b.sources {
		left = append(left, s.brought...)
		s.brought = nil
	}
	b.mu.Unlock()
	for _, d := range left {
		b.handBack(d.msg)
	}
}

// mayShut marks the moment for shutLater.
func (b *inbox) mayShut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expects = b.opened
}

// shutLater closes the inbox unless it was opened again since mayShut. The two
// are one step: an inbox that was opened in between would stay closed, and its
// account stand still.
func (b *inbox) shutLater() { b.shutIf(func() bool { return b.expects == b.opened }) }

// arrive is given everything that comes, in order.
func (b *inbox) arrive(m *nats.Msg) {
	if m.Reply == "" {
		b.answer(m)
	} else if !b.deliver(m) {
		b.handBack(m)
		return
	}
	b.ring()
}

func (b *inbox) ring() {
	select {
	case b.came <- struct{}{}:
	default:
	}
}

// deliver puts a message in front of its source, and reports whether it may.
func (b *inbox) deliver(m *nats.Msg) bool {
	meta, err := m.Metadata()
	if err != nil {
		b.log.Error("a message without metadata came", "account", b.account, "error", err)
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sources {
		if s.stream == meta.Stream && s.config.Durable == meta.Consumer {
			s.pull.brought()
			taken := b.open && s.bound
			if taken {
				s.brought = append(s.brought, &delivery{m, meta})
			}
			return taken
		}
	}
	return false
}

// answer reads a status: <prefix><source>.<serial of the pull>.
func (b *inbox) answer(m *nats.Msg) {
	place, number, _ := strings.Cut(strings.TrimPrefix(m.Subject, b.prefix), ".")
	i, err := strconv.Atoi(place)
	serial, serialErr := strconv.ParseUint(number, 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || serialErr != nil || i < 0 || i >= len(b.sources) {
		return
	}
	if p := &b.sources[i].pull; p.serial == serial {
		p.end(m.Header.Get("Status"), m.Header.Get("Description"))
	}
}

// request sends a pull for a source, whose state is set before the answer can
// come.
func (b *inbox) request(i int, p pull, body []byte) error {
	b.mu.Lock()
	b.serial++
	p.serial = b.serial
	s := b.sources[i]
	s.pull = p
	subject := s.subject
	b.mu.Unlock()
	reply := b.prefix + strconv.Itoa(i) + "." + strconv.FormatUint(p.serial, 10)
	if err := b.nc.PublishRequest(subject, reply, body); err != nil {
		b.mu.Lock()
		s.pull = pull{}
		b.mu.Unlock()
		return fmt.Errorf("pull from %s: %w", s.stream, err)
	}
	return nil
}

// unbind notes that a source cannot be pulled from, and hands back what it had
// brought. If not the broker said so, it may not be there for the others either.
func (b *inbox) unbind(s *source, why error) {
	_, alone := errors.AsType[refusedError](why)
	var left []*delivery
	b.mu.Lock()
	for _, other := range b.sources {
		if other == s || !alone {
			left = append(left, other.brought...)
			other.bound, other.pull, other.brought = false, pull{}, nil
		}
	}
	b.mu.Unlock()
	for _, d := range left {
		b.handBack(d.msg)
	}
	select {
	case b.lost <- why:
	default: // the one before it has not been seen to yet
	}
}

// unbound lists the sources whose consumers have to be found or made, those
// first that failed least often.
func (b *inbox) unbound() []*source {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []*source
	for _, s := range b.sources {
		if !s.bound {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(x, y *source) int { return cmp.Compare(x.misses, y.misses) })
	return list
}

// looked notes what came of looking for the consumer of a source.
func (b *inbox) looked(s *source, err error) {
	b.mu.Lock()
	if s.bound = err == nil; s.bound {
		s.misses = 0
	} else {
		s.misses++
	}
	b.mu.Unlock()
	b.ring()
}

func (b *inbox) bound(s *source) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.bound
}

// reconnected tells that the broker has forgotten what it was asked for.
func (b *inbox) reconnected() {
	b.mu.Lock()
	for _, s := range b.sources {
		s.pull.lose()
	}
	b.mu.Unlock()
	b.ring()
}

func (b *inbox) handBack(m *nats.Msg) {
	if err := m.Nak(); err != nil {
		b.log.Warn("handing a message back failed", "account", b.account, "error", err)
	}
}
