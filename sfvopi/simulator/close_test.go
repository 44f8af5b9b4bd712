package simulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseWaitsForCallsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{}
		p := overPipe(t, Config{
			Timing:   Timing{RingDelay: time.Second, AnswerDelay: 2 * time.Second, Duration: 3 * time.Second},
			Webhooks: &http.Client{Transport: publisher},
		})
		p.call(testCallee)
		began := time.Now()
		closeNow(t, p.Simulator)
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("closed after %s, the call lasts 6s", took)
		}
		if p.Rung(testCallee) != 1 {
			t.Error("the call under way did not ring")
		}
		p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 503, "Simulator is closing")
		if call := p.Call(testIdentity); call.Accepted != 1 || call.Posts[1].Result != ResultClosing {
			t.Errorf("recorded %+v", call)
		}
	})
}

func TestCloseBreaksOffWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{answer: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		p := overPipe(t, Config{Timing: Timing{Duration: time.Hour}, Webhooks: &http.Client{Transport: publisher}})
		p.call(testCallee)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed with %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("closed after %s, want 1s", took)
		}
	})
}

func TestCloseReleasesHeldAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{})
		p.rule(Rule{Name: "hang", Fault: "hang_rang", Callee: testCallee})
		p.rule(Rule{Name: "stall", Fault: "stall", Callee: "+919812345679"})
		p.rule(Rule{Name: "slow", Fault: "slow_answer", Callee: "+919812345670", Delay: time.Hour})
		var answered sync.WaitGroup
		for _, callee := range []string{testCallee, "+919812345679", "+919812345670"} {
			answered.Go(func() { p.call(callee) })
		}
		synctest.Wait()
		began := time.Now()
		closeNow(t, p.Simulator)
		answered.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("held answers were released after %s", took)
		}
	})
}

func TestAClientThatGivesUpEndsAHangingHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{})
		p.rule(Rule{Name: "hang", Fault: "hang_silent"})
		ended := make(chan struct{})
		inner := p.routes
		p.routes = http.NewServeMux()
		p.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			inner.ServeHTTP(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.do(ctx, "POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL))
		<-ended
	})
}

func TestServeStopsGracefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSimulator(t, Config{Timing: Timing{RingDelay: 2 * time.Second}})
		listener := newPipeListener()
		transport := &http.Transport{DialContext: listener.dial}
		defer transport.CloseIdleConnections()
		p := &provider{s, t, "http://provider.example", DefaultAPIKey, clientOf(transport)}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- s.Serve(ctx, listener, time.Minute, log.New(io.Discard, "", 0)) }()
		p.want("POST", "/sfvopi/calls", callBody(DefaultNumber, testCallee, testAnswerURL), 201, "queued")
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("stopped with %v", err)
		}
		if s.Rung(testCallee) != 1 {
			t.Error("the call under way did not ring before the stop")
		}
	})
}

func TestServeSaysWhyItCannot(t *testing.T) {
	s := newSimulator(t, Config{})
	listener := newPipeListener()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	err := s.Serve(t.Context(), listener, time.Minute, log.New(&logged, "", 0))
	if err == nil || !strings.Contains(err.Error(), "serve the simulator") {
		t.Errorf("served a closed listener: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	p := overTCP(t, Config{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				p.call(testCallee)
			}
		})
		all.Go(func() {
			for range 20 {
				if err := p.PutRule(Rule{Name: "none", Fault: "conflict", Callee: "+919800000000", First: 1}); err != nil {
					t.Error(err)
				}
				if err := p.SetAppStatus(DefaultOrganisation, "sfv_app_retired00001", Active); err != nil {
					t.Error(err)
				}
				p.Oracle()
			}
		})
	}
	all.Wait()
	call := p.Call(testIdentity)
	seen := map[string]bool{}
	for _, ring := range call.Rings {
		seen[ring.RequestUUID] = true
	}
	if call.Rung != 160 || len(seen) != 160 {
		t.Errorf("rung %d times with %d request_uuids, want 160", call.Rung, len(seen))
	}
}
