package sfvopi

import (
	"bytes"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/failpoint"
)

var (
	errUnattended   = errors.New("the connection carries no attempt")
	errSealed       = errors.New("the attempt was given up")
	errPastDeadline = errors.New("past the deadline of the claim")
	errSecondSocket = errors.New("the attempt has had its one connection")
	errUnasked      = errors.New("the provider spoke before it was asked")
)

// guard is a connection that writes only for the attempt it is armed with. It
// sits above TLS, so that what it sees being written is the request alone.
type guard struct {
	net.Conn
	attempt atomic.Pointer[attempt]
}

// Write passes p on if the attempt may still be written. An error without it
// having been passed on leaves the attempt unwritten.
func (g *guard) Write(p []byte) (int, error) {
	a := g.attempt.Load()
	if a == nil {
		return 0, errUnattended
	}
	failpoint.Here(failpoint.WriteBefore)
	if err := a.enter(g, p); err != nil {
		return 0, err
	}
	failpoint.Here(failpoint.WriteAllowed)
	n, err := g.Conn.Write(p)
	failpoint.Here(failpoint.WriteAfter)
	if n < len(p) {
		a.fallShort()
	}
	return n, err
}

// Read drops what was not asked for: it could be taken for the answer to the
// next attempt, and net/http would print it.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	a := g.attempt.Load()
	if n > 0 && (a == nil || !a.awaitsAnswer()) {
		return 0, errUnasked
	}
	failpoint.Here(failpoint.ReadAfter)
	if err != nil && a != nil {
		a.loseConnection()
	}
	return n, err
}

// attempt is one request on its way out, and the evidence of how far it got.
//
// Once it is sealed nothing more of it is written, so the evidence is final:
// whatever goroutine of net/http still holds it.
type attempt struct {
	by       call.Deadline
	bodySize int // bytes

	mu      sync.Mutex
	conn    *guard // the one connection it may be written to
	entered bool   // a Write that carries it was entered
	missing int    // bytes for which no Write was entered yet; 0 if not known
	short   bool   // a Write that carries it ended early
	sealed  bool
	late    bool // refused for being past the deadline
	lost    bool // the connection failed
}

// arm binds the attempt to the connection that net/http chose for it. A second
// connection would be a replay: it is given the attempt, and refused by enter.
func (a *attempt) arm(info httptrace.GotConnInfo) {
	g, ok := info.Conn.(*guard)
	if !ok {
		return
	}
	a.mu.Lock()
	if a.conn == nil {
		a.conn = g
	}
	a.mu.Unlock()
	g.attempt.Store(a)
}

// enter is the last check before bytes leave. From its success on the request
// counts as written, however the Write that follows ends.
func (a *attempt) enter(g *guard, p []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.sealed:
		return errSealed
	case a.conn != g:
		return errSecondSocket
	case a.entered:
		a.missing -= len(p)
		return nil
	case a.by.Passed(time.Now()):
		a.late = true
		return errPastDeadline
	}
	a.entered = true
	if end := bytes.Index(p, endOfHeader); end >= 0 {
		a.missing = end + len(endOfHeader) + a.bodySize - len(p)
	}
	return nil
}

var endOfHeader = []byte("\r\n\r\n")

// fallShort notes that a Write ended early, and so the connection with it.
func (a *attempt) fallShort() {
	a.mu.Lock()
	a.short, a.lost = true, true
	a.mu.Unlock()
}

func (a *attempt) loseConnection() {
	a.mu.Lock()
	a.lost = true
	a.mu.Unlock()
}

func (a *attempt) awaitsAnswer() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.entered && !a.sealed
}

// evidence is what is known of an attempt once it is sealed.
type evidence struct {
	written Written
	late    bool
	lost    bool
}

// seal ends the writing and tells how far it got. A Write still under way
// counts as done, for its bytes may be out already.
func (a *attempt) seal() evidence {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sealed = true
	e := evidence{written: WrittenWhole, late: a.late, lost: a.lost}
	switch {
	case !a.entered:
		e.written = WrittenNothing
	case a.short || a.missing > 0:
		e.written = WrittenPartly
	}
	return e
}
