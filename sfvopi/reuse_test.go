package sfvopi

import (
	"bufio"
	"net"
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
			synctest.Wait() // net/http puts the connection back
			if got := network.dialled.Load(); got != c.dialled {
				t.Errorf("%d connections, want %d", got, c.dialled)
			}
		}
		client.Close()
		network.stop()
	})
}

func TestWhatNobodyAskedForIsNotAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{serve: func(n int, conn net.Conn) {
			r := bufio.NewReader(conn)
			if !gotRequest(r) {
				return
			}
			answerOn(conn, "201 Created", queued)
			if n == 1 {
				<-time.After(time.Second)
				answerOn(conn, "201 Created", `{"data":{"request_uuid":"of no call"}}`)
			}
			drain(conn)
		}}
		client := newClient(t, Config{BaseURL: "http://provider", DialContext: network.dial})
		check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
		<-time.After(2 * time.Second)
		synctest.Wait()
		got := client.Place(t.Context(), request(t), soon())
		check(t, got, call.Placed, call.Accepted)
		if got.RequestUUID != "sfv_ob_req_a8k3m2x9p1z0" || network.dialled.Load() != 2 {
			t.Errorf("%q on connection %d", got.RequestUUID, network.dialled.Load())
		}
		client.Close()
		network.stop()
	})
}
