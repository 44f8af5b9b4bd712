package sfvopi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// armed gives a guard that holds an attempt, and what arrives at its other end.
func armed(t *testing.T, by call.Deadline) (g *guard, a *attempt, arrived func() string) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	var got strings.Builder
	var reading sync.WaitGroup
	reading.Go(func() { take(&got, server) })
	g = &guard{Conn: client}
	a = &attempt{by: by}
	a.arm(httptrace.GotConnInfo{Conn: g})
	return g, a, func() string {
		client.Close()
		reading.Wait()
		return got.String()
	}
}

func TestGuardWritesOnlyForItsAttempt(t *testing.T) {
	past := call.Deadline{From: time.Now().Add(-time.Minute), For: time.Second}
	for name, c := range map[string]struct {
		by      call.Deadline
		before  func(g *guard, a *attempt)
		err     error
		written Written
	}{
		"in time":       {soon(), func(*guard, *attempt) {}, nil, WrittenWhole},
		"past deadline": {past, func(*guard, *attempt) {}, errPastDeadline, WrittenNothing},
		"sealed":        {soon(), func(_ *guard, a *attempt) { a.seal() }, errSealed, WrittenNothing},
		"second socket": {soon(), func(_ *guard, a *attempt) { a.conn = new(guard) }, errSecondSocket, WrittenNothing},
		"no attempt":    {soon(), func(g *guard, _ *attempt) { g.attempt.Store(nil) }, errUnattended, WrittenNothing},
		"armed anew": {past, func(g *guard, _ *attempt) {
			(&attempt{by: soon()}).arm(httptrace.GotConnInfo{Conn: g})
		}, nil, WrittenNothing}, // of the first attempt
		"armed anew, too late": {soon(), func(g *guard, _ *attempt) {
			(&attempt{by: past}).arm(httptrace.GotConnInfo{Conn: g})
		}, errPastDeadline, WrittenNothing},
	} {
		t.Run(name, func(t *testing.T) {
			g, a, arrived := armed(t, c.by)
			c.before(g, a)
			_, err := g.Write([]byte("POST"))
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if got := arrived(); (got == "") != (c.err != nil) {
				t.Errorf("%q arrived", got)
			}
			if got := a.seal().written; got != c.written {
				t.Errorf("written %v, want %v", got, c.written)
			}
		})
	}
}

func TestGuardReadsOnlyWhatWasAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		before func(g *guard, a *attempt) error
		err    error
	}{
		"no attempt":   {func(g *guard, _ *attempt) error { g.attempt.Store(nil); return nil }, errUnasked},
		"not written":  {func(*guard, *attempt) error { return nil }, errUnasked},
		"written":      {func(g *guard, a *attempt) error { return a.enter(g, nil) }, nil},
		"already over": {func(g *guard, a *attempt) error { err := a.enter(g, nil); a.seal(); return err }, errUnasked},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			g := &guard{Conn: client}
			a := &attempt{by: soon()}
			a.arm(httptrace.GotConnInfo{Conn: g})
			if err := c.before(g, a); err != nil {
				t.Fatal(err)
			}
			go say(server, "HTTP/1.1 201 Created")
			if n, err := g.Read(make([]byte, 64)); !errors.Is(err, c.err) || (n == 0) != (c.err != nil) {
				t.Errorf("read %d bytes, %v, want %v", n, err, c.err)
			}
		})
	}
}

func TestReplayIsRefusedByTheGuard(t *testing.T) {
	first, a, _ := armed(t, soon())
	second, _, arrived := armed(t, soon())
	a.arm(httptrace.GotConnInfo{Conn: second})
	if _, err := second.Write([]byte("POST")); !errors.Is(err, errSecondSocket) {
		t.Errorf("second socket: %v", err)
	}
	if got := arrived(); got != "" {
		t.Errorf("%q arrived", got)
	}
	if _, err := first.Write([]byte("POST")); err != nil {
		t.Errorf("first socket: %v", err)
	}
}

func TestEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		writes []string
		body   int
		want   Written
	}{
		"nothing":                       {nil, 4, WrittenNothing},
		"header alone":                  {[]string{"POST\r\n\r\n"}, 4, WrittenPartly},
		"a part of the body":            {[]string{"POST\r\n\r\nbo", "d"}, 4, WrittenPartly},
		"whole":                         {[]string{"POST\r\n\r\nbody"}, 4, WrittenWhole},
		"whole in three":                {[]string{"POST\r\n\r\n", "bo", "dy"}, 4, WrittenWhole},
		"a header of more than a Write": {[]string{"POST"}, 4, WrittenWhole}, // not known, so the worst
	} {
		t.Run(name, func(t *testing.T) {
			g, a, _ := armed(t, soon())
			a.bodySize = c.body
			for _, p := range c.writes {
				if _, err := g.Write([]byte(p)); err != nil {
					t.Fatal(err)
				}
			}
			if got := a.seal().written; got != c.want {
				t.Errorf("written %v, want %v", got, c.want)
			}
		})
	}
	t.Run("a Write that falls short", func(t *testing.T) {
		g, a, arrived := armed(t, soon())
		arrived() // closes the connection
		if _, err := g.Write([]byte("POST\r\n\r\n")); err == nil {
			t.Fatal("wrote to a closed connection")
		}
		if got := a.seal(); got.written != WrittenPartly || !got.lost {
			t.Errorf("evidence %+v", got)
		}
	})
}

func TestGivenUpBeforeTheWrite(t *testing.T) {
	for name, c := range map[string]struct {
		connecting, deadline, patience time.Duration
	}{
		"deadline passes while connecting": {3 * time.Second, 2 * time.Second, time.Minute},
		"caller gives up while connecting": {3 * time.Second, time.Minute, 2 * time.Second},
		"caller gave up before":            {0, time.Minute, 0},
		"deadline passed before":           {0, 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var arrived atomic.Int64
				network := &pipes{
					delay: func(context.Context) error { <-time.After(c.connecting); return nil },
					serve: func(_ int, conn net.Conn) { arrived.Add(drain(conn)) },
				}
				client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				got := client.Place(ctx, request(t), call.Deadline{From: time.Now(), For: c.deadline})
				check(t, got, call.Refused, call.Interrupted)
				if !got.Unspent || got.FeedsBreaker {
					t.Errorf("outcome %+v", got)
				}
				<-time.After(time.Minute) // whatever net/http still holds gets its chance
				client.Close()
				network.stop()
				if arrived.Load() != 0 {
					t.Errorf("%d bytes arrived", arrived.Load())
				}
			})
		})
	}
}

// An attempt is given up at any moment, and the provider counts what arrives:
// whatever net/http was doing, "refused" means that nothing did.
func TestRefusedMeansThatNothingArrived(t *testing.T) {
	const attempts = 400
	outcomes := make(map[call.Class]int)
	for range attempts {
		synctest.Test(t, func(t *testing.T) {
			var arrived atomic.Int64
			network := &pipes{serve: func(_ int, conn net.Conn) { arrived.Add(drain(conn)) }}
			client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
			ctx, cancel := context.WithCancel(t.Context())
			spins := rand.IntN(20_000)
			go func() {
				for range spins {
					_ = ctx.Err()
				}
				cancel()
			}()
			got := client.Place(ctx, request(t), soon())
			<-time.After(time.Minute) // whatever net/http still holds gets its chance
			client.Close()
			network.stop()
			outcomes[got.Class]++
			if got.Class == call.Refused && arrived.Load() > 0 {
				t.Errorf("refused (%s), and %d bytes arrived", got.Reason, arrived.Load())
			}
			if got.Class != call.Refused && got.Class != call.Unknown {
				t.Errorf("outcome %+v", got)
			}
		})
	}
	t.Logf("of %d attempts: %v", attempts, outcomes)
}

func TestRequestIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: func(_ int, conn net.Conn) {
			p := make([]byte, 8<<10)
			n, err := conn.Read(p) // of a pipe: what one Write gave
			if err != nil || !gotRequest(bufio.NewReader(bytes.NewReader(p[:n]))) {
				t.Errorf("the first Write gave %q, %v", p[:n], err)
			}
			answerOn(conn, "201 Created", queued)
		}}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
		check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
		client.Close()
		network.stop()
	})
}

func TestConnectionLostWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: func(_ int, conn net.Conn) { takeSome(conn, 100) }}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
		check(t, client.Place(t.Context(), request(t), soon()), call.Unknown, call.ConnectionLost)
		client.Close()
		network.stop()
	})
}

func TestTimeoutAnsweredBeforeTheWholeRequest(t *testing.T) {
	long := request(t)
	long.AnswerURL = "https://example.com/" + strings.Repeat("a", 6000) // beyond the buffer of net/http
	for name, c := range map[string]struct {
		read   func(conn net.Conn)
		class  call.Class
		reason call.Reason
	}{
		"a part was read": {func(conn net.Conn) { takeSome(conn, 1000) }, call.Refused, call.NotHandled},
		"all was read":    {func(conn net.Conn) { _ = gotRequest(bufio.NewReader(conn)) }, call.Unknown, call.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcome := make(chan struct{})
				network := &pipes{serve: func(_ int, conn net.Conn) {
					c.read(conn)
					answerOn(conn, "408 Request Timeout", `{"message":"Request Timeout"}`)
					<-outcome
				}}
				client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
				check(t, client.Place(t.Context(), long, soon()), c.class, c.reason)
				close(outcome)
				client.Close()
				network.stop()
			})
		})
	}
}
