package adversarial

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// The permissions that nats.conf allows a worker are what it needs, and it
// needs each of them.
func TestAWorkerNeedsExactlyThePermissionsThatItIsGiven(t *testing.T) {
	allowed := allowedToPublish(t, "worker")
	inBubble(t, func(c *configs.Config) { c.Retry.MaxAttempts, c.Request.MaxAge = 3, 90*time.Minute }, func(t *testing.T, env *environment) {
		used := env.listen()
		p := env.connect(honest)
		defer p.nc.Close()
		forNobody(t, env)
		// Every effect that a worker has: placed, parked, dead, held, suspended.
		for i, callee := range []string{
			"+919812345678", magicCallee(t, "service_temporarily_unavailable", 2), magicCallee(t, "overloaded", 0), magicCallee(t, "bad_request", 0),
			magicCallee(t, "gateway_504_html", 0), magicCallee(t, "number_not_linked", 0),
		} {
			p.publish(t, p.body("call-"+string(rune('a'+i)), callee))
		}
		sleep(time.Minute)
		// Late evidence: the answer is there when no worker waits for it any more.
		latency(t, env, 20*time.Second)
		p.publish(t, p.body("late", "+919812345679"))
		sleep(10 * time.Second)
		env.worker.Network.CutBroker()
		latency(t, env, 0)
		env.StartWorker("waiter")
		sleep(10 * time.Minute)
		if r, err := env.Record(honest, "late"); err != nil || r.State != call.StateUnknown {
			t.Fatalf("the call of a worker that is out of reach is %s, %v", r.State, err)
		}
		env.worker.Network.Heal()
		sleep(10 * time.Minute)
		if r, err := env.Record(honest, "late"); err != nil || r.State != call.StatePlaced {
			t.Errorf("the late call is %s, %v", r.State, err)
		}
		// A provider that cannot be reached.
		env.StopProvider()
		for i := range 10 {
			p.publish(t, p.body(fmt.Sprintf("down-%d", i), callee(i)))
		}
		sleep(10 * time.Minute)
		env.StartProvider()
		sleep(10 * time.Minute)
		p.publish(t, p.body("broke", magicCallee(t, "payment_required", 1)))
		sleep(time.Hour)
		second := env.StartWorker("two") // makes again what is there, and finds what is new
		sleep(5 * time.Minute)
		if err := second.App.Ready(); err != nil {
			t.Errorf("a second worker: %v", err)
		}
		for _, subject := range allowed {
			if !slices.ContainsFunc(used(), func(s string) bool { return matches(subject, s) }) {
				t.Errorf("nats.conf lets workers publish to %s, which they never do", subject)
			}
		}
		for _, v := range env.log.ofWorkers() {
			t.Errorf("a worker was refused: %s", v)
		}
	})
}

// forNobody lets a request and a due call wait for an account that no worker
// serves.
func forNobody(t *testing.T, env *environment) {
	t.Helper()
	var body []byte
	for _, p := range call.Priorities() {
		body = fmt.Appendf(nil, `{"id":%q,"from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/a"}`, p)
		if _, err := env.Publish("calls.requests.orphan."+string(p), body, nil); err != nil {
			t.Fatal(err)
		}
	}
	records, err := env.Conn.NewRecords(t.Context(), queue.Retention{}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	r, err := call.NewRecord("orphan", "b", "", call.Origin{Sequence: 1, Published: time.Now()}, call.Normal, "", body).
		Park(call.NotYet, time.Now(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v, err := records.Put(t.Context(), r, call.Version{})
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Conn.NewScheduler().EnqueueNow(t.Context(), r, v); err != nil {
		t.Fatal(err)
	}
}

// What docs/operations.md says that operators need, where a test runs every
// command with it, is what nats.conf allows.
func TestOperatorsAreGivenWhatIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## Permissions\n")
	table, _, ended := strings.Cut(section, "and to subscribe")
	if !found || !ended {
		t.Fatal("docs/operations.md has no table of permissions")
	}
	var documented []string
	for _, m := range regexp.MustCompile("`((?:\\$|calls\\.)[^` ]+)`").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	given := allowedToPublish(t, "operator")
	slices.Sort(given)
	slices.Sort(documented)
	if !slices.Equal(given, documented) {
		t.Errorf("nats.conf lets operators publish to\n%s\nand docs/operations.md says\n%s", given, documented)
	}
}

func latency(t *testing.T, env *environment, d time.Duration) {
	t.Helper()
	if err := env.Simulator.SetLatency(simulator.Latency{Fixed: d}); err != nil {
		t.Fatal(err)
	}
}

// allowedToPublish is what nats.conf says of a user.
func allowedToPublish(t *testing.T, user string) []string {
	t.Helper()
	for _, u := range config(t).Users {
		if u.Username == user {
			return u.Permissions.Publish.Allow
		}
	}
	t.Fatalf("nats.conf has no user %s", user)
	return nil
}

// listen notes every subject that is published to in the workers' NATS account.
func (env *environment) listen() func() []string {
	env.t.Helper()
	var mu sync.Mutex
	var subjects []string
	sub, err := env.Conn.NATS().Subscribe(">", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		subjects = append(subjects, m.Subject)
	})
	if err != nil {
		env.t.Fatal(err)
	}
	return func() []string {
		_ = sub.Unsubscribe()
		mu.Lock()
		defer mu.Unlock()
		return subjects
	}
}

// matches reports whether a subject falls under a pattern with wildcards.
func matches(pattern, subject string) bool {
	want, got := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range want {
		switch {
		case token == ">":
			return len(got) > i
		case i >= len(got) || (token != "*" && token != got[i]):
			return false
		}
	}
	return len(got) == len(want)
}

// brokerLog keeps the permission violations that the broker logs.
type brokerLog struct {
	mu         sync.Mutex
	violations []string
}

func (l *brokerLog) Errorf(format string, values ...any) {
	if text := fmt.Sprintf(format, values...); strings.Contains(text, "Violation") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.violations = append(l.violations, text)
	}
}

func (*brokerLog) Noticef(string, ...any) {}
func (*brokerLog) Warnf(string, ...any)   {}
func (*brokerLog) Fatalf(string, ...any)  {}
func (*brokerLog) Debugf(string, ...any)  {}
func (*brokerLog) Tracef(string, ...any)  {}

// violations are what the broker refused to workers so far.
func (l *brokerLog) ofWorkers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var of []string
	for _, v := range l.violations {
		if who, subject, ok := strings.Cut(v, " - Publish Violation - "); ok && strings.Contains(who, "ringonce ") {
			of = append(of, subject)
		}
	}
	slices.Sort(of)
	return slices.Compact(of)
}
