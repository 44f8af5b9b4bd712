package prometheus_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/rig"
)

// buildProgram gives the ringonce of this checkout.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ringonce")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../..", "-o", program, "./cmd/ringonce").CombinedOutput()
	if err != nil {
		t.Fatalf("build ringonce: %v: %s", err, out)
	}
	return program
}

// startWorker runs `ringonce run` against the rig's broker and provider until
// the test ends, and gives the address of its metrics.
func startWorker(t *testing.T, r *rig.Rig, program string) string {
	t.Helper()
	worker := exec.CommandContext(context.WithoutCancel(t.Context()), program, "run")
	worker.Env = []string{
		"NATS_URL=" + r.Broker.ClientURL(),
		"SFVOPI_BASE_URL=" + r.Provider.URL,
		"SFVOPI_API_KEY=" + simulator.DefaultAPIKey,
		"RINGONCE_HTTP_ADDRESS=127.0.0.1:0",
		"RINGONCE_LOG_FORMAT=json",
		"RINGONCE_PROVIDER_CONNECT_TIMEOUT=1s",
		"RINGONCE_PROVIDER_REQUEST_TIMEOUT=2s",
		"RINGONCE_SHUTDOWN_GRACE=10s",
		"RINGONCE_RETRY_INITIAL_DELAY=1s",
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=20",
		"RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=8",
	}
	logs, err := worker.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() { readLogs(t.Output(), logs, address) })
	t.Cleanup(func() {
		_ = worker.Process.Signal(syscall.SIGTERM)
		reading.Wait()
		if err := worker.Wait(); err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	})
	found, ok := <-address
	if !ok {
		t.Fatal("the worker ended before it served metrics")
	}
	return found
}

// readLogs copies a worker's log until it ends, and picks out where it serves.
func readLogs(to io.Writer, logs io.Reader, address chan<- string) {
	defer close(address)
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		_, _ = io.WriteString(to, lines.Text()+"\n")
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && strings.HasPrefix(entry.Msg, "serving") && entry.Address != "" {
			select {
			case address <- entry.Address:
			default:
			}
		}
	}
}

// readFile reads a file of the deployments.
func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
