package prometheus_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
	"github.com/ringonce/ringonce/tests/process"
)

// buildProgram returns the ringonce of this checkout.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ringonce")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../..", "-o", program, "./cmd/ringonce").CombinedOutput()
	if err != nil {
		t.Fatalf("build ringonce: %v: %s", err, out)
	}
	return program
}

// startWorker runs `ringonce run` until the test ends, and returns when it serves
// metrics at the address.
func startWorker(t *testing.T, program, name, address string, environ []string, args ...string) *process.Process {
	t.Helper()
	w := process.Start(t, name, program, append([]string{"run"}, args...), append(environ, "RINGONCE_HTTP_ADDRESS="+address))
	t.Cleanup(func() {
		w.Terminate()
		if t.Failed() {
			t.Logf("%s:\n%s", name, w.Output())
		}
	})
	return w
}

// oneAccount is the environment of a worker that serves only the harness's account.
func oneAccount(r *harness.Environment) []string {
	return append(shortTimes(r),
		"SFVOPI_API_KEY="+simulator.DefaultAPIKey,
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=20",
		"RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=8",
	)
}

// shortTimes is the environment of a worker with the harness's broker and provider.
func shortTimes(r *harness.Environment) []string {
	return []string{
		"NATS_URL=" + r.Broker.ClientURL(),
		"SFVOPI_BASE_URL=" + r.Provider.URL,
		"RINGONCE_PROVIDER_CONNECT_TIMEOUT=1s",
		"RINGONCE_PROVIDER_REQUEST_TIMEOUT=2s",
		"RINGONCE_SHUTDOWN_GRACE=10s",
		"RINGONCE_RETRY_INITIAL_DELAY=1s",
		"RINGONCE_RETRY_MAX_DELAY=5s",
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
