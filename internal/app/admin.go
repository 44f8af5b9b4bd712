package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveAdmin serves [App.Handler] until ctx ends.
func (a *App) serveAdmin(ctx context.Context, owned *sync.WaitGroup) error {
	listener := a.listener
	if listener == nil {
		var err error
		listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.HTTP.Address)
		if err != nil {
			return fmt.Errorf("serve health and metrics at http.address: %w", err)
		}
	}
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second}
	owned.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("serving health and metrics failed", "error", err)
		}
	})
	owned.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	a.log.Info("serving health and metrics", "address", listener.Addr().String())
	return nil
}

// Handler serves /metrics, /livez, /healthz and /readyz.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Registry: a.registry}))
	live := func(w http.ResponseWriter, _ *http.Request) {
		if !a.health.alive() {
			http.Error(w, "the worker's own loops are stuck", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	}
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /healthz", live) // the name that many platforms use
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := a.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}
