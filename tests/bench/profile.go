package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/metrics"
)

// profiled runs a role, and leaves in dir where its CPU time went and what it
// allocated, as profiles for go tool pprof. An empty dir leaves nothing.
func profiled(dir, role string, run func() error) (err error) {
	if dir == "" {
		return run()
	}
	cpu, err := os.Create(filepath.Join(dir, role+".cpu"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return errors.Join(err, cpu.Close())
	}
	defer func() {
		pprof.StopCPUProfile()
		err = errors.Join(err, cpu.Close(), writeAllocations(filepath.Join(dir, role+".mem")))
	}()
	return run()
}

func writeAllocations(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

// serveWorker is what "ringonce run" runs, where it can be profiled. Its
// figures are not the ones that are published: a profile costs time.
func serveWorker(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	profile := flags.String("profile", "", "where to leave profiles")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := configs.Load("", nil, os.Environ())
	if err != nil {
		return err
	}
	debug.SetGCPercent(300) // as ringonce run does
	a, err := app.New(app.Options{
		Config: config, Log: slog.New(slog.DiscardHandler),
		Registry: prometheus.NewRegistry(), Build: metrics.Build{}, Worker: fmt.Sprintf("bench-%d", os.Getpid()),
	})
	if err != nil {
		return err
	}
	return profiled(*profile, "worker", func() error { return a.Run(ctx) })
}
