package control

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue/embedded"
)

// lines passes on each line of a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		l <- string(line)
	}
	return len(p), nil
}

// until reads the log up to a line with these words, and returns what was read.
func (l lines) until(t *testing.T, words string) string {
	t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	var read strings.Builder
	for {
		select {
		case line := <-l:
			read.WriteString(line)
			if strings.Contains(line, words) {
				return read.String()
			}
		case <-limit.C:
			t.Fatalf("the log never says %q:\n%s", words, read.String())
		}
	}
}

// TestCredentialsAreReplaced at the broker first and in the file later: the worker
// comes back by itself, and says before what it waits for.
func TestCredentialsAreReplaced(t *testing.T) {
	for _, of := range []struct {
		key   string
		use   func(c *configs.NATS, file string)
		admit func(o *server.Options, secret string)
	}{
		{
			"nats.password_file",
			func(c *configs.NATS, file string) { c.User, c.PasswordFile = "worker", file },
			func(o *server.Options, secret string) {
				o.Users = []*server.User{{Username: "worker", Password: secret}}
			},
		},
		{
			"nats.token_file",
			func(c *configs.NATS, file string) { c.TokenFile = file },
			func(o *server.Options, secret string) { o.Authorization = secret },
		},
	} {
		t.Run(of.key, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret")
			write := func(secret string) {
				t.Helper()
				if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("first-secret")
			broker, err := embedded.Start(embedded.Options{
				Dir: t.TempDir(), Listen: true, Configure: func(o *server.Options) { of.admit(o, "first-secret") },
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(broker.Stop)
			_, log := startWorker(t, func(c *configs.Config) {
				c.NATS.URL = broker.ClientURL()
				of.use(&c.NATS, file)
			})
			said := log.until(t, "ready to dial")
			if err := broker.Reload(func(o *server.Options) { of.admit(o, "second-secret") }); err != nil {
				t.Fatal(err)
			}
			said += log.until(t, "NATS refuses the credentials")
			for _, part := range []string{of.key + " (" + file + ")", "uthorization"} {
				if !strings.Contains(said, part) {
					t.Errorf("the log does not say %q:\n%s", part, said)
				}
			}
			write("second-secret")
			said += log.until(t, "connected to NATS")
			if strings.Contains(said, "second-secret") || strings.Contains(said, "first-secret") {
				t.Error("the log holds a secret")
			}
		})
	}
}

// startWorker runs a worker over sockets until the test ends, and returns its log.
func startWorker(t *testing.T, change func(*configs.Config)) (*app.App, lines) {
	t.Helper()
	emptyPools()
	c := configs.Default()
	c.Provider.BaseURL = "http://127.0.0.1:1"
	c.Streams.MaxUrgentMiB, c.Streams.MaxNormalMiB, c.Streams.MaxBulkMiB = 0, 0, 0
	account := configs.DefaultAccount()
	account.APIKey = configs.NewSecret("a-key")
	c.Accounts["default"] = account
	change(&c)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := make(lines, 10_000)
	worker, err := app.New(app.Options{
		Config: c, Log: slog.New(slog.NewTextHandler(log, nil)), Registry: prometheus.NewRegistry(), Listener: listener,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return worker, log
}
