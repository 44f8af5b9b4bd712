// Package dev_test runs the built `ringonce dev` without any setup.
package dev_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue/embedded"
)

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringonce-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "ringonce")
	build := exec.Command("go", "build", "-o", binary, "github.com/ringonce/ringonce/cmd/ringonce")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// dev is a running `ringonce dev`.
type dev struct {
	t       *testing.T
	command *exec.Cmd
	lines   *bufio.Scanner
	out     strings.Builder // of what was read
	errors  bytes.Buffer
	temp    string
}

// start runs it in an environment whose API key and server must be ignored.
func start(t *testing.T, args ...string) *dev {
	t.Helper()
	d := &dev{t: t, temp: t.TempDir()}
	d.command = exec.CommandContext(t.Context(), binary, append([]string{"dev"}, args...)...)
	d.command.Env = []string{"TMPDIR=" + d.temp, "SFVOPI_API_KEY=real", "NATS_URL=nats://192.0.2.1:4222"}
	d.command.Stderr = &d.errors
	out, err := d.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.lines = bufio.NewScanner(out)
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

// until reads lines up to one that matches, and returns its last group.
func (d *dev) until(expression string) string {
	d.t.Helper()
	e := regexp.MustCompile(expression)
	for d.lines.Scan() {
		d.out.WriteString(d.lines.Text() + "\n")
		if found := e.FindStringSubmatch(d.lines.Text()); found != nil {
			return found[len(found)-1]
		}
	}
	d.t.Fatalf("no line matches %s in\n%s%s", expression, d.out.String(), d.errors.String())
	return ""
}

// ends reads the rest and returns the exit status. The temporary directory must be
// empty.
func (d *dev) ends() int {
	d.t.Helper()
	for d.lines.Scan() {
		d.out.WriteString(d.lines.Text() + "\n")
	}
	_ = d.command.Wait() // the status is looked at
	left, err := filepath.Glob(filepath.Join(d.temp, "*"))
	if err != nil || len(left) != 0 {
		d.t.Errorf("left in the temporary directory: %v %v", left, err)
	}
	return d.command.ProcessState.ExitCode()
}

// row returns the number in a row of the table, 0 if there is none.
func (d *dev) row(name string) int {
	d.t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta("│ "+name) + ` +(\d+) │`).FindStringSubmatch(d.out.String())
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestSample(t *testing.T) {
	t.Parallel()
	d := start(t)
	if status := d.ends(); status != 0 {
		t.Fatalf("exit status %d\n%s%s", status, d.out.String(), d.errors.String())
	}
	// Which of the ordinary ones are placed, and how often they are tried, is
	// up to the outage; these facts are not.
	for name, want := range map[string]int{
		"requests published": 200, "dead letters": 21, "duplicates": 3, "phones rung twice": 0,
		"  attempts_exhausted": 1, "  expired": 2, "  id_conflict": 2, "  invalid_request": 3,
		"  malformed": 5, "  number_not_linked": 7, "  webhook_failed": 1,
	} {
		if got := d.row(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	if placed, unknown := d.row("placed"), d.row("unknown (may have rung)"); placed+unknown != 176 || unknown < 6 {
		t.Errorf("placed %d and unknown %d, want 176 together, of them 6 unknown", placed, unknown)
	}
	// Those that the provider refuses at first are placed in the end.
	if retried := d.row("  of them after a retry"); retried < 6 {
		t.Errorf("%d were placed after a retry, want at least 6", retried)
	}
	if !strings.Contains(d.out.String(), "│ phones rung twice          0 │") {
		t.Error("the table does not say how many phones rang twice")
	}
	if strings.Contains(d.out.String(), "\x1b") {
		t.Error("there are escape sequences in what is no terminal")
	}
	if t.Failed() {
		t.Log(d.out.String())
	}
}

// A request that the run did not publish is reported.
func TestUnexpectedRequestIsReported(t *testing.T) {
	t.Parallel()
	d := start(t, "--port", "0", "--calls", "3")
	url := d.until(`NATS +(nats://\S+)`)
	d.until(`\d+ of 3 ended`)
	publish(t, url, `{"id":"stranger","from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}`)
	if status := d.ends(); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	for _, want := range []string{"Discrepancies:", "stranger: it has a record, and was not published in this batch", "a phone rang that no request of the batch asked for"} {
		if !strings.Contains(d.out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, d.out.String())
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "requests.jsonl")
	requests := `{"id":"a","from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}
{"id":"b","from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}
{"id":"a","answer_url":"https://publisher.example/answer","from":"+912071531001","to":"+919812345678"}
{"from":"+912071531001","to":"+919812345679","answer_url":"https://publisher.example/answer"}
hello
`
	if err := os.WriteFile(file, []byte(requests), 0o600); err != nil {
		t.Fatal(err)
	}
	d := start(t, "--port", "0", "--file", file)
	if status := d.ends(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	if d.row("placed") != 3 || d.row("duplicates") != 1 || d.row("  malformed") != 1 || d.row("phones rung twice") != 0 {
		t.Error(d.out.String())
	}
}

func TestStay(t *testing.T) {
	t.Parallel()
	d := start(t, "--port", "0", "--stay", "--calls", "3")
	url := d.until(`NATS +(nats://\S+)`)
	metrics := d.until(`metrics +(http://\S+)`)
	d.until(`phones rung twice +0`)
	oracle := d.until(`oracle +(http://\S+)`)
	d.until(`Request a call:`)

	js := publish(t, url, `{"id":"mine","from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/answer"}`)
	awaitPlaced(t, js, "calls.records.default.mine")
	if page := get(t, metrics); !strings.Contains(page, "# TYPE ringonce_") {
		t.Errorf("no metrics at %s: %.300s", metrics, page)
	}
	if report := get(t, oracle+"?callee=%2B919812345678"); !strings.Contains(report, `"post_count": 1`) {
		t.Errorf("the oracle did not hear of it: %s", report)
	}
	if err := d.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := d.ends(); status != 0 {
		t.Errorf("exit status %d after an interrupt, want 0; %s", status, d.errors.String())
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	d := start(t, "--port", "0")
	d.until(`\d+ of 200 ended`)
	if err := d.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.until(`of 200 ended, .* phones rung twice: 0\.`)
	if status := d.ends(); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	other, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Stop)
	_, port, _ := strings.Cut(strings.TrimPrefix(other.ClientURL(), "nats://"), ":")
	d := start(t, "--port", port)
	if status := d.ends(); status != 2 || !strings.Contains(d.errors.String(), "--port "+port+" is taken") {
		t.Errorf("exit status %d: %s", status, d.errors.String())
	}
}

func TestInvalidOptions(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--file", filepath.Join(empty, "none")}, "open the requests"},
		{[]string{"--file", empty}, "the file has no request"},
		{[]string{"--calls", "0"}, "--calls must be from 1 to 100000"},
		{[]string{"--calls", "5", "--file", empty}, "--calls and --file exclude each other"},
		{[]string{"--port", "70000"}, "--port must be from 0 to 65535"},
		{[]string{"--port", "0", "--metrics-address", "nowhere"}, "choose another --metrics-address"},
	} {
		d := start(t, c.args...)
		if status := d.ends(); status != 2 || !strings.Contains(d.errors.String(), c.want) {
			t.Errorf("%v: exit status %d: %s", c.args, status, d.errors.String())
		}
	}
}

// publish publishes a request with a plain NATS client.
func publish(t *testing.T, url, body string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "calls.requests.default", []byte(body)); err != nil {
		t.Fatal(err)
	}
	return js
}

// awaitPlaced waits until the record of a call is placed.
func awaitPlaced(t *testing.T, js jetstream.JetStream, subject string) {
	t.Helper()
	records, err := js.OrderedConsumer(t.Context(), "CALL_RECORDS", jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := records.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(m.Data(), []byte(`"state":"placed"`)) {
			return
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
