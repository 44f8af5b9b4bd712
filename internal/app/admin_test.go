package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/metrics"
)

func TestHealthEndpoints(t *testing.T) {
	registry := prometheus.NewRegistry()
	a := &App{registry: registry, health: newHealth(metrics.New(registry, metrics.Build{}), func() []error { return nil })}
	status := func(path string) int {
		answer := httptest.NewRecorder()
		a.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return answer.Code
	}
	for path, want := range map[string]int{"/livez": 200, "/healthz": 200, "/readyz": 503, "/metrics": 200, "/": 404} {
		if got := status(path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	a.health.bound.Store(true)
	a.health.lastTick.Store(time.Now().Add(-2 * watchdogTimeout).UnixNano())
	for _, path := range []string{"/livez", "/healthz"} {
		if got := status(path); got != http.StatusServiceUnavailable {
			t.Errorf("%s of a worker that is stuck answers %d", path, got)
		}
	}
}
