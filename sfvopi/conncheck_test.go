package sfvopi

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// serveTLS serves TLS without a word of HTTP of its own.
func serveTLS(t *testing.T, serve func(conn *tls.Conn)) (address string, roots *x509.CertPool) {
	t.Helper()
	certificates, roots := certificate(t)
	return serveConns(t, func(_ int, conn net.Conn) {
		secured := tls.Server(&lateTicket{Conn: conn}, &tls.Config{Certificates: certificates, DynamicRecordSizingDisabled: true})
		if secured.Handshake() == nil {
			serve(secured)
		}
	}), roots
}

// certificate is one for this machine, and what trusts it.
func certificate(t *testing.T) ([]tls.Certificate, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates, roots
}

// lateTicket sends the ticket of TLS 1.3 when the client has finished the
// handshake, as OpenSSL does. Go sends it at the end of its own flight.
type lateTicket struct {
	net.Conn
	asked  bool
	ticket []byte

	together bool // what is written later, until it is sent
	later    []byte
}

func (l *lateTicket) Write(flight []byte) (int, error) {
	if l.together {
		l.later = append(l.later, flight...)
		return len(flight), nil
	}
	if l.asked {
		return l.Conn.Write(flight)
	}
	l.asked = true
	last := 0
	for at := 0; at+5 <= len(flight); at += 5 + int(flight[at+3])<<8 + int(flight[at+4]) {
		last = at
	}
	l.ticket = append([]byte(nil), flight[last:]...)
	_, err := l.Conn.Write(flight[:last])
	return len(flight), err
}

func (l *lateTicket) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if len(l.ticket) > 0 && n > 0 {
		_, err = l.Conn.Write(l.ticket)
		l.ticket = nil
	}
	return n, err
}

// TestDataAfterTheTLSHandshake on a TLS connection that has carried nothing:
// tickets are not data, everything else is.
func TestDataAfterTheTLSHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		says func(conn *tls.Conn)
		want error
	}{
		"tickets": {func(*tls.Conn) {}, nil},
		"data":    {func(conn *tls.Conn) { say(conn, "HTTP/1.1 201 Created\r\n") }, errUnsolicited},
		"the end": {func(conn *tls.Conn) { _ = conn.Close() }, errUnsolicited},
	} {
		t.Run(name, func(t *testing.T) {
			said, looked := make(chan struct{}), make(chan struct{})
			address, roots := serveTLS(t, func(conn *tls.Conn) {
				c.says(conn)
				close(said)
				<-looked
			})
			defer close(looked)
			s := pool{dial: func(ctx context.Context) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host, ClientSessionCache: tls.NewLRUClientSessionCache(1)}}).DialContext(ctx, "tcp", address)
				if err != nil {
					return nil, err
				}
				<-said
				return conn, waitReadable(ctx, conn)
			}}
			l, err := s.open(t.Context(), time.Now().Add(time.Minute))
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("the connection is opened with %v, want %v", err, c.want)
			}
			if l != nil {
				l.close()
			}
		})
	}
}

// secondFlightLater keeps what it writes after its first flight until it is told,
// so that the end of a handshake of TLS 1.2 and what follows come together.
type secondFlightLater struct {
	net.Conn
	flights int
	later   []byte
}

func (l *secondFlightLater) Write(flight []byte) (int, error) {
	if l.flights++; l.flights == 1 {
		return l.Conn.Write(flight)
	}
	l.later = append(l.later, flight...)
	return len(flight), nil
}

// TestDataWithTheTLSHandshake lies in TLS, not in the socket.
func TestDataWithTheTLSHandshake(t *testing.T) {
	certificates, roots := certificate(t)
	for _, word := range []string{"", "HTTP/1.1 201 Created\r\n"} {
		over := make(chan struct{})
		address := serveConns(t, func(_ int, conn net.Conn) {
			below := &secondFlightLater{Conn: conn}
			secured := tls.Server(below, &tls.Config{Certificates: certificates, MaxVersion: tls.VersionTLS12})
			if secured.Handshake() == nil {
				say(secured, word)
				_, _ = conn.Write(below.later)
				<-over
			}
		})
		s := pool{dial: func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{Config: &tls.Config{RootCAs: roots}}).DialContext(ctx, "tcp", address)
		}}
		l, err := s.open(t.Context(), time.Now().Add(time.Minute))
		if want := word == ""; (err == nil) != want || !want && !errors.Is(err, errUnsolicited) {
			t.Errorf("with the data %q the connection is opened with %v", word, err)
		}
		if l != nil {
			l.close()
		}
		close(over)
	}
}

// TestSecondResponseInOneTLSRecord of TLS is not the next call's.
func TestSecondResponseInOneTLSRecord(t *testing.T) {
	long := queued + strings.Repeat(" ", 12000-len(queued)) // larger than what is read at a time
	const stale = `{"data":{"request_uuid":"of_no_call"}}`
	address, roots := serveTLS(t, func(conn *tls.Conn) {
		for r := bufio.NewReader(conn); gotRequest(r); {
			say(conn, "HTTP/1.1 201 Created\r\nContent-Length: "+strconv.Itoa(len(long))+"\r\n\r\n"+long+
				"HTTP/1.1 201 Created\r\nContent-Length: "+strconv.Itoa(len(stale))+"\r\n\r\n"+stale)
		}
	})
	client := newClient(t, Config{BaseURL: "https://" + address, RootCAs: roots})
	for range 3 {
		got := client.Place(t.Context(), request(t), soon())
		check(t, got, call.Placed, call.Accepted)
		if got.RequestUUID == "of_no_call" {
			t.Fatal("what stood behind an answer was taken for the next one")
		}
	}
	client.Close()
}

// TestConnectionClosedByTLSIsNotReused in the same breath as it answered is not used again, though its socket is still open.
func TestConnectionClosedByTLSIsNotReused(t *testing.T) {
	var conns atomic.Int32
	placed := make(chan struct{})
	address, roots := serveTLS(t, func(conn *tls.Conn) {
		conns.Add(1)
		if gotRequest(bufio.NewReader(conn)) {
			below, ok := conn.NetConn().(*lateTicket)
			if !ok {
				t.Error("what is below TLS is not ours")
				return
			}
			below.together = true
			answerOn(conn, "201 Created", queued)
			_ = conn.CloseWrite() // which leaves a deadline that is over
			_ = below.SetWriteDeadline(time.Time{})
			_, _ = below.Conn.Write(below.later)
			<-placed
		}
	})
	client := newClient(t, Config{BaseURL: "https://" + address, RootCAs: roots})
	const calls = 20
	for range calls {
		check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
	}
	close(placed)
	if conns.Load() != calls {
		t.Errorf("%d calls used %d connections", calls, conns.Load())
	}
	client.Close()
}
