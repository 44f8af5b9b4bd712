package sfvopi

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

func TestDirectoryOverHTTP(t *testing.T) {
	provider, server := simulate(t, simulator.Config{})
	client := newClient(t, Config{BaseURL: server.URL, Key: func() string { return simulator.DefaultAPIKey }})
	first := make(chan FetchReport, 1)
	d := NewDirectory(DirectoryConfig{
		Lookups: client, MinInterval: time.Nanosecond, Fetched: func(r FetchReport) {
			select {
			case first <- r:
			default:
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	if report := <-first; report.Err != nil {
		t.Fatal(report.Err)
	}

	expect(t, d, simulator.DefaultNumber, "", time.Now(), call.Linked)
	expect(t, d, simulator.DefaultNumber, "no such app", time.Now(), call.OtherApp)
	expect(t, d, simulator.DefaultInactiveNumber, "", time.Now(), call.AppInactive)
	expect(t, d, simulator.DefaultAvailableNumber, "", time.Now(), call.OwnedNotLinked)
	expect(t, d, foreign, "", time.Now(), call.NotOwned)

	if err := provider.UnlinkNumber(simulator.DefaultOrganisation, simulator.DefaultNumber); err != nil {
		t.Fatal(err)
	}
	expect(t, d, simulator.DefaultNumber, "", time.Now(), call.Linked) // not looked up again yet
	r := request(t)
	r.From = phone(t, simulator.DefaultNumber)
	check(t, client.Place(t.Context(), r, soon()), call.Rejected, call.NumberNotLinked)
	d.Invalidate(r.From) // its fetch serves requests that are older than it
	expect(t, d, simulator.DefaultNumber, "", time.Now().Add(-time.Hour), call.OwnedNotLinked)

	if err := provider.PutRule(simulator.Rule{Name: "down", On: simulator.Lookups, Fault: "get_apps_failed"}); err != nil {
		t.Fatal(err)
	}
	expect(t, d, foreign, "", time.Now(), call.LinkageNotKnown)
	if err := provider.RemoveRule("down"); err != nil {
		t.Fatal(err)
	}
	if err := provider.SetAPIKeys(simulator.DefaultOrganisation, "another"); err != nil {
		t.Fatal(err)
	}
	if err := client.Probe(t.Context()); err == nil {
		t.Error("the probe passed with a wrong key")
	}
	cancel()
	running.Wait()
}
