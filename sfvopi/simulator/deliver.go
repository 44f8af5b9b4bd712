package simulator

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"time"
)

// What the placeholders stand for where a rule leaves them open.
const (
	defaultHookStatus = http.StatusServiceUnavailable
	defaultRetryAfter = 2 * time.Second
	// forever is a hold that only the client, or Close, ends.
	forever time.Duration = -1
	// writeTimeout bounds how long raw bytes may take to be read.
	writeTimeout = 5 * time.Second
)

// deliver applies the fault to the connection. The call, if it rings, has
// been accepted before.
func (s *Simulator) deliver(w http.ResponseWriter, r *http.Request, hit *match, from, requestUUID string) {
	fault := hit.fault
	if fault.Behaviour == Hang {
		s.hold(r, forever)
		panic(http.ErrAbortHandler)
	}
	s.hold(r, s.delay()+cmp.Or(hit.delay, fault.Delay))
	texts := hit.placeholders(r, from, requestUUID)
	switch fault.Behaviour {
	case Close, CloseUnread:
		panic(http.ErrAbortHandler)
	case Reset, ResetUnread:
		hijackAndClose(w, nil)
	case NotHTTP:
		hijackAndClose(w, []byte(fault.Body))
	case CutShort:
		writePartial(w, fault)
		panic(http.ErrAbortHandler)
	case Stall:
		writePartial(w, fault)
		s.hold(r, forever)
		panic(http.ErrAbortHandler)
	case Answer, AnswerUnread, Hang:
		fault.answer(w, texts)
	}
}

// answer sends a whole HTTP answer.
func (f *Fault) answer(w http.ResponseWriter, texts placeholders) {
	for name, value := range f.Header {
		w.Header().Set(name, texts.fill(value))
	}
	if f.Behaviour == AnswerUnread {
		w.Header().Set("Connection", "close")
	}
	switch {
	case f.Message != "":
		writeMessage(w, f.Status, texts.fill(f.Message))
	case f.Body != "":
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(texts.fill(f.Body))) // a client that left cannot be told
	default:
		w.WriteHeader(f.Status)
	}
}

// writePartial announces twice as many bytes as it sends.
func writePartial(w http.ResponseWriter, fault *Fault) {
	w.Header()["Content-Type"] = jsonType
	w.Header().Set("Content-Length", strconv.Itoa(2*len(fault.Body)))
	w.WriteHeader(fault.Status)
	_, _ = w.Write([]byte(fault.Body))        // a client that left cannot be told
	_ = http.NewResponseController(w).Flush() // nor here
}

// hijackAndClose writes raw bytes, if any, and ends the connection: with a reset if
// there are none and the transport knows resets, which TCP does and net.Pipe
// does not.
func hijackAndClose(w http.ResponseWriter, raw []byte) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, or no server at all
		panic(http.ErrAbortHandler)
	}
	if len(raw) > 0 {
		_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, _ = connection.Write(raw) // the client finds out either way
	} else {
		closeWithReset(connection)
	}
	_ = connection.Close()
}

// closeWithReset makes closing send a reset.
func closeWithReset(connection net.Conn) {
	if wrapped, ok := connection.(interface{ NetConn() net.Conn }); ok { // TLS
		connection = wrapped.NetConn()
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only on a connection that is gone already
	}
}

func (h *match) placeholders(r *http.Request, from, requestUUID string) placeholders {
	retryAfter := cmp.Or(h.retryAfter, defaultRetryAfter)
	return placeholders{
		number:       from,
		err:          cmp.Or(h.err, h.fault.Error),
		status:       strconv.Itoa(cmp.Or(h.status, defaultHookStatus)),
		uuid:         requestUUID,
		location:     r.URL.Path,
		retrySeconds: seconds(retryAfter),
		retryDate:    time.Now().Add(retryAfter).UTC().Format(http.TimeFormat),
	}
}
