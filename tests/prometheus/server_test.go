package prometheus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"sigs.k8s.io/yaml"
)

// server is a real Prometheus.
type server struct {
	t   *testing.T
	url string
}

// startPrometheus runs Prometheus as deployments/compose does, with the rules of
// this directory, and scrapes these addresses every second.
func startPrometheus(t *testing.T, rules string, workers []string) server {
	t.Helper()
	directory := t.TempDir()
	file := filepath.Join(directory, "prometheus.yml")
	if err := os.WriteFile(file, configuration(t, rules, workers), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "prometheus", "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(directory, "data"), "--web.listen-address="+address, "--log.level=warn")
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatalf("start Prometheus: %v; Debian's package is called prometheus", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("Prometheus ended with %v", err)
		}
	})
	return server{t: t, url: "http://" + address}
}

func configuration(t *testing.T, rules string, workers []string) []byte {
	t.Helper()
	var c map[string]any
	if err := yaml.Unmarshal(readFile(t, "../../deployments/compose/prometheus.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	c["global"] = map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"}
	c["rule_files"] = []string{filepath.Join(rules, "*.rules.yaml")}
	job, ok := c["scrape_configs"].([]any)[0].(map[string]any)
	if !ok {
		t.Fatal("deployments/compose/prometheus.yaml scrapes nothing")
	}
	delete(job, "dns_sd_configs")
	// The label that the Prometheus operator adds.
	job["static_configs"] = []map[string]any{{"targets": workers, "labels": map[string]string{"namespace": "ringonce"}}}
	made, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get queries the API; into is unchanged while Prometheus does not answer yet.
func (s server) get(path string, values url.Values, into any) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path+"?"+values.Encode(), http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode == http.StatusServiceUnavailable {
		return
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	if answer.Status != "success" {
		s.t.Fatalf("%s %v: %s", path, values, answer.Error)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
}

// query returns the values of an instant query.
func (s server) query(expr string) []string {
	s.t.Helper()
	var values []string
	for _, sample := range s.samples(expr) {
		values = append(values, fmt.Sprint(sample.Value[1]))
	}
	return values
}

// sample is one series of the answer to an instant query.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

func (s server) samples(expr string) []sample {
	s.t.Helper()
	var answer struct{ Result []sample }
	s.get("/api/v1/query", url.Values{"query": {expr}}, &answer)
	return answer.Result
}
