package prometheus_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	nats "github.com/nats-io/nats-server/v2/server"
	"sigs.k8s.io/yaml"

	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
	"github.com/ringonce/ringonce/tests/process"
)

// stage is where the faults happen: a worker with an account for each, and one
// that may not acknowledge.
type stage struct {
	*harness.Environment
	t             *testing.T
	program       string
	broker        *nats.Options
	file          string // the worker's configuration
	address       string
	silentAddress string
	silent        *process.Process
	published     map[string]int // by account
}

// accounts of the worker. Nothing is wrong with the one called well.
func accounts() []string {
	return []string{"well", "down", "slow", "locked", "refused", "vague", "wrong", "blind"}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		t: t, program: buildProgram(t), file: filepath.Join(t.TempDir(), "ringonce.yaml"),
		address: freeAddress(t), silentAddress: freeAddress(t), published: map[string]int{},
	}
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true, Configure: func(o *nats.Options) {
		o.Users, o.NoAuthUser = users(false), "all"
		s.broker = o.Clone()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	address, ok := broker.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("the broker does not listen")
	}
	s.broker.Port = address.Port
	s.Environment = harness.NewWithBroker(t, broker.ClientURL(), simulator.Config{World: world()}, nil)
	s.Broker = broker
	return s
}

func organisations() []string { return append(accounts(), "late", "silent") }

// world has an organisation for each account.
func world() simulator.World {
	var w simulator.World
	for i, name := range organisations() {
		w.Organisations = append(w.Organisations, simulator.Organisation{
			Name: name, APIKeys: []string{name + "-key"},
			Apps: []simulator.App{{ID: "app_" + name, Name: name, Status: simulator.Active, Numbers: []string{number(i)}}},
		})
	}
	return w
}

func number(i int) string { return fmt.Sprintf("+9120715320%02d", i) }

func users(acknowledges bool) []*nats.User {
	silent := &nats.Permissions{Publish: &nats.SubjectPermission{}}
	if !acknowledges {
		silent.Publish.Deny = []string{"$JS.ACK.>", "calls.records.>"}
	}
	return []*nats.User{{Username: "all", Password: "secret"}, {Username: "silent", Password: "secret", Permissions: silent}}
}

// startWorkers runs both, and waits until the first is ready: the second is not.
func (s *stage) startWorkers() {
	s.t.Helper()
	s.configure(s.config())
	w := startWorker(s.t, s.program, "worker", s.address, shortTimes(s.Environment), "--config", s.file)
	s.silent = startWorker(s.t, s.program, "silent", s.silentAddress, append(shortTimes(s.Environment),
		"RINGONCE_NATS_USER=silent", "RINGONCE_NATS_PASSWORD=secret", "RINGONCE_ACCOUNTS_SILENT_API_KEY=silent-key",
	))
	s.Eventually("the worker is ready", func() bool { return strings.Contains(string(w.Metrics()), "ringonce_ready 1\n") })
}

// config is the worker's configuration, with more accounts besides the usual.
func (s *stage) config(more ...string) string {
	s.t.Helper()
	configured := map[string]any{}
	for _, name := range append(accounts(), more...) {
		configured[name] = map[string]any{"api_key": name + "-key", "calls_per_second": 20, "concurrency": 8}
	}
	configured["slow"] = map[string]any{"api_key": "slow-key", "calls_per_second": 1}
	text, err := yaml.Marshal(map[string]any{"accounts": configured})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// configure replaces the worker's configuration, which it looks at by itself.
func (s *stage) configure(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.file+".new", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.file+".new", s.file); err != nil {
		s.t.Fatal(err)
	}
}

// publish requests n calls of an account, to the callee or, if that is empty, each
// to another number.
func (s *stage) publish(account string, n int, callee string) {
	s.t.Helper()
	from := ""
	for i, name := range organisations() {
		if name == account {
			from = number(i)
		}
	}
	for range n {
		s.publishFrom(account, from, callee)
	}
}

func (s *stage) publishFrom(account, from, callee string) {
	s.t.Helper()
	s.published[account]++
	id := fmt.Sprintf("%s-%d", account, s.published[account])
	if callee == "" {
		callee = fmt.Sprintf("+9198765%05d", s.published[account])
	}
	s.Publish("calls.requests."+account, fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"answer_url":%q}`, id, from, callee, harness.AnswerURL+"?id="+id))
}

// resolve records that the first calls of an account rang, as operators do.
func (s *stage) resolve(account string, n int) {
	s.t.Helper()
	args := []string{"unknown", "resolve", "--rang", "--why", "a test", "--yes", "--account", account}
	for i := range n {
		args = append(args, fmt.Sprintf("%s-%d", account, i+1))
	}
	command := exec.CommandContext(s.t.Context(), s.program, args...)
	command.Env = append(shortTimes(s.Environment), "SFVOPI_API_KEY=key")
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("ringonce %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (s *stage) strike(r simulator.Rule) {
	s.t.Helper()
	if err := s.Simulator.PutRule(r); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) heal(rule string) {
	s.t.Helper()
	if err := s.Simulator.RemoveRule(rule); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) key(account, key string) {
	s.t.Helper()
	if err := s.Simulator.SetAPIKeys(account, key); err != nil {
		s.t.Fatal(err)
	}
}

// permit lets the silent worker acknowledge and write records, over the connection that it has.
func (s *stage) permit() {
	s.t.Helper()
	s.broker.Users = users(true)
	if err := s.Broker.ReloadOptions(s.broker.Clone()); err != nil {
		s.t.Fatal(err)
	}
}
