package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
)

func newRunCommand(build app.Build, environ []string) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run a worker",
		Long: `Run a worker: pull call requests from NATS JetStream and place each of them once.

Without a file, NATS_URL, SFVOPI_BASE_URL and SFVOPI_API_KEY (or
SFVOPI_API_KEY_FILE) are enough. The environment overrides the file.

SIGHUP, or a change of the file, reloads the configuration: accounts are added,
removed and changed without dropping calls in progress. Other settings need a
restart. An invalid configuration is rejected, and the previous one stays in force.

SIGTERM stops pulling, waits up to shutdown_grace for claimed calls, and exits with
status 0. A second signal exits at once.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file := configs.FilePath(file, environ)
			data, err := readConfig(file)
			if err != nil {
				return err
			}
			config, err := parseConfig(file, data, environ)
			if err != nil {
				return err
			}
			tuneGC(environ, config)
			log := newLogger(c.ErrOrStderr(), config.Log)
			registry := prometheus.NewRegistry()
			registry.MustRegister(
				collectors.NewGoCollector(),
				collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
			)
			worker, err := os.Hostname()
			if err != nil {
				worker = "worker"
			}
			a, err := app.New(app.Options{
				Config: config, Log: log, Registry: registry, Build: build,
				Worker: fmt.Sprintf("%s-%d", worker, os.Getpid()),
			})
			if err != nil {
				return usageError{err}
			}
			return runReloading(c.Context(), a, &reloader{file: file, environ: environ, data: data, worker: a})
		},
	}
	registerConfig(c.Flags(), &file)
	return c
}

// runReloading runs the worker and the reloader of its configuration.
func runReloading(ctx context.Context, a *app.App, r *reloader) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	watching, stop := context.WithCancel(ctx)
	var owned sync.WaitGroup
	owned.Go(func() { r.run(watching, hangups) })
	defer owned.Wait()
	defer stop()
	return a.Run(ctx)
}

// newLogger returns a logger by log.level and log.format.
func newLogger(w io.Writer, c configs.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // info for what is no level
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
