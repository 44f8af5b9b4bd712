package sfvopi

import (
	"bufio"
	"context"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestIdleConnectionClosedByTheServerIsNotReplayed(t *testing.T) {
	// The server reads the second request off the connection that it kept
	// alive, and closes it without an answer: net/http would replay a GET.
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		network := &pipes{serve: func(_ int, conn net.Conn) {
			r := bufio.NewReader(conn)
			for n := 1; gotRequest(r); n++ {
				requests.Add(1)
				if n == 2 {
					return
				}
				answerOn(conn, "201 Created", queued)
			}
		}}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
		check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
		check(t, client.Place(t.Context(), request(t), soon()), call.Unknown, call.ConnectionLost)
		if requests.Load() != 2 || network.dialled.Load() != 1 {
			t.Errorf("%d requests on %d connections", requests.Load(), network.dialled.Load())
		}
		client.Close()
		network.stop()
	})
}

func TestIdleConnectionClosedAsWeWrite(t *testing.T) {
	// Over TCP the close races with the write. Whatever wins: at most one
	// request per attempt, and none if it was refused.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int32
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if gotRequest(bufio.NewReader(conn)) {
					requests.Add(1)
					answerOn(conn, "201 Created", queued)
				}
			})
		}
	})
	client := newClient(t, Config{BaseURL: "http://" + listener.Addr().String()})
	outcomes := make(map[call.Class]int)
	for range 300 {
		before := requests.Load()
		got := client.Place(t.Context(), request(t), soon())
		seen := requests.Load() - before
		outcomes[got.Class]++
		switch {
		case seen > 1:
			t.Fatalf("%d requests in one attempt", seen)
		case got.Class == call.Placed && seen != 1, got.Class == call.Refused && seen != 0:
			t.Fatalf("%s, and %d requests", got.Class, seen)
		}
	}
	t.Logf("outcomes: %v", outcomes)
	client.Close()
	listener.Close()
	serving.Wait()
}

func TestConnectionsAreKeptForFiveSecondsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: func(_ int, conn net.Conn) {
			r := bufio.NewReader(conn)
			for gotRequest(r) {
				answerOn(conn, "201 Created", queued)
			}
		}}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
		for _, c := range []struct {
			after   time.Duration
			dialled int32
		}{{0, 1}, {4900 * time.Millisecond, 1}, {4900 * time.Millisecond, 1}, {5100 * time.Millisecond, 2}} {
			<-time.After(c.after)
			check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
			if got := network.dialled.Load(); got != c.dialled {
				t.Errorf("%d connections, want %d", got, c.dialled)
			}
		}
		client.Close()
		network.stop()
	})
}

// serveConns accepts connections over TCP and gives each to serve, with its
// number from 1.
func serveConns(t *testing.T, serve func(n int, conn net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				serve(n, conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// Between two attempts the server says or does something on the connection
// that it kept alive. The next attempt is made on another one.
func TestConnectionWithPendingDataIsNotUsed(t *testing.T) {
	for name, meanwhile := range map[string]func(net.Conn){
		"an answer nobody asked for": func(conn net.Conn) {
			answerOn(conn, "201 Created", `{"data":{"request_uuid":"of no call"}}`)
		},
		"closed": func(conn net.Conn) { conn.Close() },
		"reset": func(conn net.Conn) {
			socket, ok := conn.(*net.TCPConn)
			if !ok || socket.SetLinger(0) != nil {
				t.Error("the connection cannot be reset")
			}
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			placed, done := make(chan struct{}), make(chan struct{})
			var connections atomic.Int32
			client := newClient(t, Config{BaseURL: "http://" + serveConns(t, func(n int, conn net.Conn) {
				connections.Add(1)
				r := bufio.NewReader(conn)
				if !gotRequest(r) {
					return
				}
				answerOn(conn, "201 Created", queued)
				if n == 1 {
					<-placed
					meanwhile(conn)
					close(done)
				}
				_ = gotRequest(r)
			})})
			check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
			close(placed)
			<-done
			got := client.Place(t.Context(), request(t), soon())
			check(t, got, call.Placed, call.Accepted)
			if got.RequestUUID != "sfv_ob_req_a8k3m2x9p1z0" || connections.Load() != 2 {
				t.Errorf("%q on connection %d", got.RequestUUID, connections.Load())
			}
			client.Close()
		})
	}
}

func TestTrailingBytesEndTheConnection(t *testing.T) {
	whole := "Content-Length: " + strconv.Itoa(len(queued)) + "\r\n\r\n" + queued
	for name, answer := range map[string]string{
		"two answers":       "HTTP/1.1 201 Created\r\n" + whole + "HTTP/1.1 201 Created\r\n\r\n",
		"Connection: close": "HTTP/1.1 201 Created\r\nConnection: close\r\n" + whole,
		"HTTP/1.0":          "HTTP/1.0 201 Created\r\n" + whole,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := &pipes{serve: func(_ int, conn net.Conn) {
					r := bufio.NewReader(conn)
					for gotRequest(r) {
						say(conn, answer)
					}
				}}
				client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
				check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
				check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
				if got := network.dialled.Load(); got != 2 {
					t.Errorf("%d connections", got)
				}
				client.Close()
				network.stop()
			})
		})
	}
}

func TestInterimResponsesAreSkipped(t *testing.T) {
	const interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	for n, want := range map[int]call.Class{0: call.Placed, 1: call.Placed, 4: call.Placed, 5: call.Unknown} {
		synctest.Test(t, func(t *testing.T) {
			network := &pipes{serve: func(_ int, conn net.Conn) {
				if gotRequest(bufio.NewReader(conn)) {
					say(conn, strings.Repeat(interim, n))
					answerOn(conn, "201 Created", queued)
				}
			}}
			client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
			if got := client.Place(t.Context(), request(t), soon()); got.Class != want {
				t.Errorf("after %d interim answers: %s %s", n, got.Class, got.Reason)
			}
			client.Close()
			network.stop()
		})
	}
}

func TestServerThatSendsFirst(t *testing.T) {
	var heard atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, waitReadable(ctx, conn)
	}
	client := newClient(t, Config{DialContext: dial, BaseURL: "http://" + serveConns(t, func(_ int, conn net.Conn) {
		say(conn, "SSH-2.0-OpenSSH_9.6\r\n")
		n, _ := io.Copy(io.Discard, conn)
		heard.Add(n)
	})})
	check(t, client.Place(t.Context(), request(t), soon()), call.Refused, call.NotSent)
	if heard.Load() != 0 {
		t.Errorf("%d bytes were written", heard.Load())
	}
}

// waitReadable waits until the socket holds something, and leaves it there.
func waitReadable(ctx context.Context, conn net.Conn) error {
	quiet := newConnCheck(conn).socket
	for quiet() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		runtime.Gosched()
	}
	return nil
}

func TestPoolKeepsAtMostConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrived, answer := make(chan struct{}), make(chan struct{})
		var open atomic.Int32
		network := &pipes{serve: func(_ int, conn net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			r := bufio.NewReader(conn)
			for gotRequest(r) {
				arrived <- struct{}{}
				<-answer
				answerOn(conn, "201 Created", queued)
			}
		}}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial, Concurrency: 2})
		var placing sync.WaitGroup
		for range 3 {
			placing.Go(func() { check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted) })
		}
		for range 3 {
			<-arrived
		}
		close(answer)
		placing.Wait()
		synctest.Wait()
		if got := open.Load(); got != 2 {
			t.Errorf("%d connections are kept", got)
		}
		<-time.After(idleTimeout)
		synctest.Wait()
		if got := open.Load(); got != 0 {
			t.Errorf("%d connections are open after %s", got, idleTimeout)
		}
		network.stop()
	})
}
