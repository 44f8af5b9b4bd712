package deployments_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringonce/ringonce/queue/embedded"
)

// waitTimeout bounds every wait; no test asserts how long something takes.
const waitTimeout = 60 * time.Second

func TestInstallPagePlacesTheFirstCall(t *testing.T) {
	s := rehearse(t)
	exec := commands(t, "docker compose -f deployments/compose.yaml exec worker /ringonce ")
	if len(exec) != 3 || exec[0] != "doctor" {
		t.Fatalf("the page runs %q; this test knows doctor, publish and calls show", exec)
	}
	s.eventually("doctor finds everything in order", func() error { return s.run(exec[0]).err })
	if r := s.run(exec[1]); r.err != nil {
		t.Fatalf("%s: %v: %s", exec[1], r.err, r.output)
	}
	s.eventually("the call is placed", func() error {
		if r := s.run(exec[2]); r.err != nil || !strings.Contains(r.output, "placed") {
			return &notYet{r.output}
		}
		return nil
	})
	// As the page says, a request published again is not dialled again.
	if r := s.run(exec[1]); r.err != nil {
		t.Fatalf("publishing again: %v: %s", r.err, r.output)
	}
	marker := strings.NewReplacer("first-call", "second-call", "+919812345678", "+919812345679").Replace(exec[1])
	if r := s.run(marker); r.err != nil {
		t.Fatalf("%s: %v: %s", marker, r.err, r.output)
	}
	s.eventually("a call published later is placed", func() error {
		r := s.run(strings.Replace(exec[2], "first-call", "second-call", 1))
		if r.err != nil || !strings.Contains(r.output, "placed") {
			return &notYet{r.output}
		}
		return nil
	})
	oracle := commands(t, "curl -s http://127.0.0.1:9380")
	if rung := s.rung(oracle[0]); rung != 2 {
		t.Errorf("%d phones rang for two calls, one of them published twice", rung)
	}
}

// The commands for Kubernetes exist, with their flags.
func TestKubernetesCommandsExist(t *testing.T) {
	program := build(t)
	for _, line := range commands(t, "kubectl -n ringonce exec deploy/ringonce -- /ringonce ") {
		args := append(strings.Fields(line), "--help")
		if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", line, err, out)
		}
	}
}

// stage is what compose would start, as processes.
type stage struct {
	t        *testing.T
	program  string
	provider string // its host and port
	env      []string
}

type notYet struct{ output string }

func (n *notYet) Error() string { return n.output }

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ringonce")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/ringonce").CombinedOutput()
	if err != nil {
		t.Fatalf("build ringonce: %v: %s", err, out)
	}
	return program
}

func rehearse(t *testing.T) *stage {
	t.Helper()
	p, s := readCompose(t), &stage{t: t, program: build(t)}
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)

	args := strings.Split(strings.Replace(strings.Join(p.Services["provider"].Command, " "), ":9380", "127.0.0.1:0", 1), " ")
	s.provider = s.start(args, nil, regexp.MustCompile(`base URL +http://(\S+)/superfone`))

	worker := p.Services["worker"]
	s.env = p.environment(worker,
		"nats:4222", strings.TrimPrefix(broker.ClientURL(), "nats://"), "provider:9380", s.provider)
	for range worker.Deploy.Replicas {
		env := append([]string{"RINGONCE_HTTP_ADDRESS=127.0.0.1:0"}, s.env...)
		s.start(worker.Command, env, regexp.MustCompile(`"address":"(\S+)"`))
	}
	return s
}

// start runs the program until the test ends, and returns what the pattern matches
// in its output.
func (s *stage) start(args, env []string, pattern *regexp.Regexp) string {
	s.t.Helper()
	process := exec.CommandContext(context.WithoutCancel(s.t.Context()), s.program, args...)
	process.Env = append([]string{}, env...)
	reader, writer := io.Pipe()
	process.Stdout, process.Stderr = writer, writer
	if err := process.Start(); err != nil {
		s.t.Fatal(err)
	}
	match, read := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(read)
		defer close(match)
		found := false
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			_, _ = io.WriteString(s.t.Output(), lines.Text()+"\n")
			if m := pattern.FindStringSubmatch(lines.Text()); m != nil && !found {
				found = true
				match <- m[1]
			}
		}
	}()
	s.t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		if err := process.Wait(); err != nil {
			s.t.Errorf("%v ended with %v", args, err)
		}
		_ = writer.Close()
		<-read
	})
	select {
	case m := <-match:
		return m
	case <-time.After(waitTimeout):
		s.t.Fatalf("%v printed nothing that matches %s", args, pattern)
		return ""
	}
}

type result struct {
	output string
	err    error
}

// run does what `docker compose exec worker /ringonce …` does.
func (s *stage) run(line string) result {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), s.program, strings.Fields(line)...)
	command.Env = append([]string{}, s.env...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return result{output: output.String(), err: err}
}

// rung returns how many phones the simulator rang; none may have rung twice.
func (s *stage) rung(path string) int {
	s.t.Helper()
	address := url.URL{Scheme: "http", Host: s.provider, Path: path}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var summary struct {
		Rung      int `json:"rung"`
		RungTwice int `json:"rung_twice"`
	}
	if err := json.NewDecoder(response.Body).Decode(&summary); err != nil {
		s.t.Fatal(err)
	}
	if summary.RungTwice != 0 {
		s.t.Errorf("%d calls rang more than once", summary.RungTwice)
	}
	return summary.Rung
}

// eventually calls try until it succeeds.
func (s *stage) eventually(what string, try func() error) {
	s.t.Helper()
	limit, tick := time.NewTimer(waitTimeout), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-limit.C:
			s.t.Fatalf("waited too long until %s: %v", what, err)
		case <-tick.C:
		}
	}
}
