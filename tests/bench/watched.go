package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// watched is the simulated provider in this process, which notes when calls
// come.
type watched struct {
	address string
	server  *http.Server

	calls atomic.Int64
	mu    sync.Mutex
	first time.Time
	asked map[string]chan time.Time // by callee: when it was called
}

func newWatched(ctx context.Context) (*watched, error) {
	sim, err := simulator.New(simulator.Config{CountsOnly: true, NoMagic: true})
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &watched{address: "http://" + l.Addr().String(), asked: map[string]chan time.Time{}}
	w.server = &http.Server{Handler: w.watch(sim), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.server.Serve(l) }() // ends with close
	return w, nil
}

func (w *watched) close() { _ = w.server.Close() }

func (w *watched) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/sfvopi/calls" {
			now := time.Now()
			w.calls.Add(1)
			body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
			if err == nil {
				r.Body = io.NopCloser(bytes.NewReader(body))
				w.note(body, now)
			}
		}
		next.ServeHTTP(rw, r)
	})
}

func (w *watched) note(body []byte, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first.IsZero() {
		w.first = now
	}
	if len(w.asked) == 0 {
		return
	}
	var call struct {
		To string `json:"to"`
	}
	if json.Unmarshal(body, &call) != nil {
		return
	}
	if wanted := w.asked[call.To]; wanted != nil {
		delete(w.asked, call.To)
		wanted <- now
	}
}

// expect returns the time at which this phone is called.
func (w *watched) expect(to string) <-chan time.Time {
	came := make(chan time.Time, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[to] = came
	return came
}

// firstCall waits for the first call of all.
func (w *watched) firstCall(ctx context.Context) (time.Time, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		first := w.first
		w.mu.Unlock()
		if !first.IsZero() {
			return first, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, errors.New("no call arrived in time")
		case <-tick.C:
		}
	}
}
