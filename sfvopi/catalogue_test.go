package sfvopi

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// Every way to fail that the simulator knows, over a real socket: it was
// written from the provider's contract without this package, and counts who was
// rung.
func TestEveryFaultOfTheSimulator(t *testing.T) {
	for _, fault := range simulator.Faults() {
		if fault.Scope == simulator.Lookups {
			continue
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			provider, server := simulate(t, simulator.Config{Rules: []simulator.Rule{{Name: "it", Fault: fault.Name, Delay: time.Millisecond}}})
			client := newClient(t, Config{
				BaseURL: server.URL, Key: func() string { return simulator.DefaultAPIKey }, RequestTimeout: 300 * time.Millisecond,
			})
			r := request(t)
			r.From = phone(t, simulator.DefaultNumber)
			got := client.Place(t.Context(), r, soon())

			report := provider.Oracle().Summary
			if report.Posts > 1 {
				t.Errorf("%d requests in one attempt", report.Posts)
			}
			rung := provider.Rung(r.To.E164())
			mayHaveRung := got.Class == call.Placed || got.Class == call.Unknown || got.MayHaveRung
			if rung > 0 && !mayHaveRung {
				t.Errorf("it rang, and the outcome is %s %s (%d %q)", got.Class, got.Reason, got.Status, got.Message)
			}
			if got.Class == call.Placed && rung != 1 {
				t.Errorf("placed, and rung %d times", rung)
			}
			if fault.Rings && rung != 1 {
				t.Errorf("the simulator was to ring, and rang %d times", rung)
			}
		})
	}
}

// simulate serves the simulator over TCP.
func simulate(t *testing.T, config simulator.Config) (*simulator.Simulator, *httptest.Server) {
	t.Helper()
	provider, err := simulator.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(provider)
	server.Config.ErrorLog = discardLog()
	server.Start()
	t.Cleanup(func() {
		if err := provider.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return provider, server
}
