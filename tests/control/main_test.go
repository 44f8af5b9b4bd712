package control

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

// environment is a bubble with what these tests ask of it.
type environment struct {
	*bubble.Environment
	t *testing.T
}

// inBubble runs a test on fake time. The provider takes three seconds to answer.
func inBubble(t *testing.T, change func(*configs.Config), test func(t *testing.T, env *environment)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	synctest.Test(t, func(t *testing.T) {
		sim := simulator.Config{Latency: simulator.Latency{Fixed: 3 * time.Second}}
		env := bubble.New(t, dir, sim, log, change)
		defer env.Close()
		test(t, &environment{Environment: env, t: t})
	})
}

// emptyPools drops what sync.Pools hold. The NATS client keeps its timers in
// one, and a timer of one bubble breaks the next.
func emptyPools() {
	runtime.GC()
	runtime.GC() // what survived the first as a victim
}

// publish publishes so many requests from a number, with ids that begin with a name.
func (env *environment) publish(a call.Account, name, from string, requests int) {
	env.t.Helper()
	for i := range requests {
		body := fmt.Sprintf(`{"id":"%s-%d","from":%q,"to":"+9198765%05d","answer_url":"https://publisher.example/%[1]s"}`, name, i, from, i)
		if _, err := env.Publish("calls.requests."+string(a), []byte(body), nil); err != nil {
			env.t.Fatal(err)
		}
	}
}

// states counts the calls of a name by their state.
func (env *environment) states(a call.Account, name string, requests int) map[call.State]int {
	env.t.Helper()
	found := map[call.State]int{}
	for i := range requests {
		r, err := env.Record(a, call.ID(fmt.Sprintf("%s-%d", name, i)))
		if err != nil {
			env.t.Fatal(err)
		}
		found[r.State]++
	}
	return found
}

// posts counts what reached the provider so far from a number: all of them if
// it is empty.
func (env *environment) posts(url string) int {
	n := 0
	for _, c := range env.Simulator.Oracle().Calls {
		if url == "" || c.AnswerURL == url {
			n += len(c.Posts)
		}
	}
	return n
}

// wantRungOnce wants so many phones to have rung, none of them twice.
func (env *environment) wantRungOnce(phones int) {
	env.t.Helper()
	if s := env.Simulator.Oracle().Summary; s.Rung != phones || s.RungTwice != 0 {
		env.t.Errorf("%d phones rang, %d of them twice; want %d", s.Rung, s.RungTwice, phones)
	}
}

func (env *environment) control() *control.Bucket { return control.New(env.Conn, env.Log) }

func (env *environment) must(err error) {
	env.t.Helper()
	if err != nil {
		env.t.Fatal(err)
	}
}
