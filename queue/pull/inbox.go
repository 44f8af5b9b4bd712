package pull

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

// inbox is where everything arrives that the sources of one account are asked
// for: one subscription that lasts as long as they are pulled from. It is open
// while calls may be dialled; what arrives while it is closed is handed back.
type inbox struct {
	nc      *nats.Conn
	log     *slog.Logger
	account call.Account
	prefix  string // of the subjects that responses come to
	sub     *nats.Subscription
	// notifyCh has a token when something has happened.
	notifyCh chan struct{}
	// unboundCh has the error of a source that was unbound.
	unboundCh chan error

	mu        sync.Mutex
	sources   []*source
	isOpen    bool
	openCount uint64
	idleAt    uint64 // the openCount at which closeIfIdle closes
	pullID    uint64 // of the last pull
}

func newInbox(nc *nats.Conn, account call.Account, log *slog.Logger, sources []*source) *inbox {
	return &inbox{
		nc: nc, account: account, log: log, sources: sources, prefix: nats.NewInbox() + ".",
		notifyCh: make(chan struct{}, 1), unboundCh: make(chan error, 1),
	}
}

func (b *inbox) subscribe() error {
	sub, err := b.nc.Subscribe(b.prefix+"*.*", b.onResponse)
	if err != nil {
		return fmt.Errorf("subscribe to what is pulled: %w", err)
	}
	b.sub = sub
	return nil
}

// drain closes the inbox for good, after it has handed back everything that the
// broker sent before it heard of it.
func (b *inbox) drain(ctx context.Context) {
	b.close()
	drained := make(chan struct{})
	b.sub.SetClosedHandler(func(string) { close(drained) })
	if err := b.sub.Drain(); err != nil {
		return // the connection is gone, and with it what was on its way
	}
	select {
	case <-drained:
	case <-ctx.Done():
	}
}

func (b *inbox) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isOpen = true
	b.openCount++
}

// close closes the inbox, and hands back what was not fetched from it.
func (b *inbox) close() { b.closeIf(func() bool { return true }) }

// closeIf closes the inbox if a condition holds, which is evaluated under the lock.
func (b *inbox) closeIf(holds func() bool) {
	b.mu.Lock()
	if !holds() {
		b.mu.Unlock()
		return
	}
	b.isOpen = false
	var left []*delivery
	for _, s := range b.sources {
		left = append(left, s.buffered...)
		s.buffered = nil
	}
	b.mu.Unlock()
	b.nakAll(left)
}

// markIdle begins the time after which closeIfIdle closes.
func (b *inbox) markIdle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idleAt = b.openCount
}

// closeIfIdle closes the inbox unless it was opened again since markIdle. The two
// are one step: an inbox that was opened in between would stay closed, and its
// account stand still.
func (b *inbox) closeIfIdle() { b.closeIf(func() bool { return b.idleAt == b.openCount }) }

// onResponse is called with everything that comes, in order.
func (b *inbox) onResponse(m *nats.Msg) {
	if m.Reply == "" {
		b.onStatus(m)
	} else if !b.buffer(m) {
		b.nak(m)
		return
	}
	b.notify()
}

func (b *inbox) notify() {
	select {
	case b.notifyCh <- struct{}{}:
	default:
	}
}

// buffer keeps a message for its source, and reports whether it may.
func (b *inbox) buffer(m *nats.Msg) bool {
	meta, err := m.Metadata()
	if err != nil {
		b.log.Error("a message without metadata came", "account", b.account, "error", err)
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sources {
		if s.stream == meta.Stream && s.config.Durable == meta.Consumer {
			s.pull.onMessage()
			if !b.isOpen || !s.bound {
				return false
			}
			s.buffered = append(s.buffered, &delivery{m, meta})
			return true
		}
	}
	return false
}

// onStatus reads a status: its subject is <prefix><source>.<id of the pull>.
func (b *inbox) onStatus(m *nats.Msg) {
	index, number, _ := strings.Cut(strings.TrimPrefix(m.Subject, b.prefix), ".")
	i, err := strconv.Atoi(index)
	id, idErr := strconv.ParseUint(number, 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || idErr != nil || i < 0 || i >= len(b.sources) {
		return
	}
	if p := &b.sources[i].pull; p.id == id {
		p.onStatus(m.Header.Get("Status"), m.Header.Get("Description"))
	}
}

// request sends a pull for a source, whose state is set before the response can
// come.
func (b *inbox) request(i int, p pull, body []byte) error {
	b.mu.Lock()
	b.pullID++
	p.id = b.pullID
	s := b.sources[i]
	s.pull = p
	b.mu.Unlock()
	reply := b.prefix + strconv.Itoa(i) + "." + strconv.FormatUint(p.id, 10)
	if err := b.nc.PublishRequest(s.subject, reply, body); err != nil {
		b.mu.Lock()
		s.pull = pull{}
		b.mu.Unlock()
		return fmt.Errorf("pull from %s: %w", s.stream, err)
	}
	return nil
}

// unbind notes that a source cannot be pulled from, and hands back what it had
// buffered. Unless the broker reported it of this consumer alone, the others may
// not be there either.
func (b *inbox) unbind(s *source, cause error) {
	_, alone := errors.AsType[consumerError](cause)
	var left []*delivery
	b.mu.Lock()
	for _, other := range b.sources {
		if other == s || !alone {
			left = append(left, other.buffered...)
			other.bound, other.pull, other.buffered = false, pull{}, nil
		}
	}
	b.mu.Unlock()
	b.nakAll(left)
	select {
	case b.unboundCh <- cause:
	default: // the error before it was not received yet
	}
}

// unboundSources lists the sources whose consumers are to be found or created,
// those first that failed least often.
func (b *inbox) unboundSources() []*source {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []*source
	for _, s := range b.sources {
		if !s.bound {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(x, y *source) int { return cmp.Compare(x.bindFailures, y.bindFailures) })
	return list
}

// bindResult notes whether the consumer of a source was found or created.
func (b *inbox) bindResult(s *source, err error) {
	b.mu.Lock()
	if s.bound = err == nil; s.bound {
		s.bindFailures = 0
	} else {
		s.bindFailures++
	}
	b.mu.Unlock()
	b.notify()
}

func (b *inbox) bound(s *source) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.bound
}

// reset abandons all pulls: over a new connection none is answered.
func (b *inbox) reset() {
	b.mu.Lock()
	for _, s := range b.sources {
		s.pull.abandon()
	}
	b.mu.Unlock()
	b.notify()
}

func (b *inbox) nakAll(list []*delivery) {
	for _, d := range list {
		b.nak(d.msg)
	}
}

func (b *inbox) nak(m *nats.Msg) {
	if err := m.Nak(); err != nil {
		b.log.Warn("handing a message back failed", "account", b.account, "error", err)
	}
}
