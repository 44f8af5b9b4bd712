package sfvopi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestNothingIsWrittenAfterTheDeadline(t *testing.T) {
	past := call.Deadline{From: time.Now().Add(-time.Minute), For: time.Second}
	for name, c := range map[string]struct {
		by      call.Deadline
		arrives string
		err     error
		written Written
	}{
		"in time":       {soon(), "POST", nil, WrittenWhole},
		"past deadline": {past, "", errPastDeadline, WrittenNothing},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := net.Pipe()
			var got strings.Builder
			var reading sync.WaitGroup
			reading.Go(func() { take(&got, server) })
			written, err := newPostConn(client).send([]byte("POST"), c.by)
			client.Close()
			reading.Wait()
			if written != c.written || !errors.Is(err, c.err) || got.String() != c.arrives {
				t.Errorf("written %v, error %v, %q arrived", written, err, got.String())
			}
		})
	}
}

// shortConn passes the first bytes of a Write on and fails.
type shortConn struct {
	net.Conn
	most int
}

func (c *shortConn) Write(p []byte) (int, error) {
	if len(p) <= c.most {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:c.most])
	return n, errors.Join(err, syscall.EPIPE)
}

func TestShortWrite(t *testing.T) {
	// 408 is proof only if the request was not written to its end.
	for name, c := range map[string]struct {
		most   int
		class  call.Class
		reason call.Reason
	}{
		"a part was written": {100, call.Refused, call.NotHandled},
		"all was written":    {100_000, call.Unknown, call.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := &pipes{serve: func(_ int, conn net.Conn) {
					if c.most < 1000 {
						takeSome(conn, int64(c.most))
					} else {
						_ = gotRequest(bufio.NewReader(conn))
					}
					answerOn(conn, "408 Request Timeout", `{"message":"Request Timeout"}`)
					drain(conn)
				}}
				dial := func(ctx context.Context, network_, addr string) (net.Conn, error) {
					conn, err := network.dial(ctx, network_, addr)
					return &shortConn{conn, c.most}, err
				}
				client := newClient(t, Config{BaseURL: "http://provider", DialContext: dial})
				check(t, client.Place(t.Context(), request(t), soon()), c.class, c.reason)
				if c.most < 1000 {
					check(t, client.Place(t.Context(), request(t), soon()), c.class, c.reason)
					if got := network.dialled.Load(); got != 2 {
						t.Errorf("%d connections: one that failed was used again", got)
					}
				}
				client.Close()
				network.stop()
			})
		})
	}
}

func TestInvalidKeyIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var arrived atomic.Int64
		network := &pipes{serve: func(_ int, conn net.Conn) { arrived.Add(drain(conn)) }}
		client := newClient(t, Config{
			BaseURL: "http://provider", DialContext: network.dial,
			Key: func() string { return "key\r\nX-Evil: 1" },
		})
		check(t, client.Place(t.Context(), request(t), soon()), call.Refused, call.NotSent)
		client.Close()
		network.stop()
		if arrived.Load() != 0 {
			t.Errorf("%d bytes arrived", arrived.Load())
		}
	})
}

func TestCancelledBeforeTheWrite(t *testing.T) {
	for name, c := range map[string]struct {
		connecting, deadline, timeout time.Duration
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
				ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
				defer cancel()
				got := client.Place(ctx, request(t), call.Deadline{From: time.Now(), For: c.deadline})
				check(t, got, call.Refused, call.Interrupted)
				if !got.Unspent || got.FeedsBreaker {
					t.Errorf("outcome %+v", got)
				}
				<-time.After(time.Minute) // whatever is still under way gets its chance
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
// whatever was going on, "refused" means that nothing did.
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
			<-time.After(time.Minute) // whatever is still under way gets its chance
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
