package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/app"
	"github.com/ringonce/ringonce/configs"
)

func newRunCommand(environ []string) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run a worker",
		Long: `Run a worker: pull call requests from NATS JetStream and place each of them once.

Without a file, NATS_URL, SFVOPI_BASE_URL and SFVOPI_API_KEY (or
SFVOPI_API_KEY_FILE) are enough. The environment beats the file.

SIGTERM stops pulling, lets claimed calls finish within shutdown_grace, and exits
with 0. A second signal stops at once.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := loadConfig(file, environ)
			if err != nil {
				return err
			}
			relaxGC(environ)
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
				Config: config, Log: log, Registry: registry, Build: build(),
				Worker: fmt.Sprintf("%s-%d", worker, os.Getpid()),
			})
			if err != nil {
				return usageError{err}
			}
			return a.Run(c.Context())
		},
	}
	c.Flags().StringVar(&file, "config", "", "the configuration, a YAML file")
	return c
}

// relaxGC lets the heap grow to four times what lives in it before it is
// collected: that is a few MiB, and a collection for every few hundred calls is
// not worth them. GOGC and GOMEMLIMIT still say what they say.
func relaxGC(environ []string) {
	const percent = 300
	if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOGC=") }) {
		debug.SetGCPercent(percent)
	}
}

// loadConfig reads and checks the configuration, and the files it names.
func loadConfig(file string, environ []string) (configs.Config, error) {
	var data []byte
	if file != "" {
		var err error
		if data, err = configs.ReadFile(file); err != nil {
			return configs.Config{}, usageError{err}
		}
	}
	config, err := configs.Load(file, data, environ)
	if err != nil {
		return configs.Config{}, usageError{err}
	}
	if err := configs.CheckFiles(config); err != nil {
		return configs.Config{}, usageError{err}
	}
	return config, nil
}

// newLogger writes as log.level and log.format say.
func newLogger(w io.Writer, c configs.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level.Slog()}
	if c.Format == configs.FormatJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
