package adversarial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

// The accounts of nats.conf: one publisher is hostile, the other is not.
const (
	attacker = "acme"
	honest   = "globex"
)

// insider is a publisher in the NATS account of the workers, bound by permissions
// alone: what nats.conf advises against.
const insider = "insider"

// callerID is the number of each account, in an organisation of its own.
var callerID = map[string]string{attacker: "+912071531001", honest: "+912071532001"}

// environment is a broker with the permissions of nats.conf, and a worker that has no
// others than it gives.
type environment struct {
	*bubble.Environment
	t      *testing.T
	worker *bubble.Worker
	log    *brokerLog
	began  time.Time
}

// password is that of every user; the broker reads it from the environment.
const password = "secret"

// config is the broker's configuration as it is shipped. The test itself connects
// without a name, as a user with all permissions.
func config(t *testing.T) *server.Options {
	t.Helper()
	for _, name := range []string{"RINGONCE_WORKER_PASSWORD", "RINGONCE_OPERATOR_PASSWORD", "ACME_PASSWORD", "GLOBEX_PASSWORD"} {
		t.Setenv(name, password)
	}
	o, err := server.ProcessConfigFile("../../deployments/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range o.Accounts {
		if a.Name == "RINGONCE" {
			o.Users = append(o.Users,
				&server.User{Username: "test", Password: password, Account: a},
				&server.User{Username: insider, Password: password, Account: a, Permissions: &server.Permissions{
					Publish:   &server.SubjectPermission{Allow: []string{"calls.requests." + attacker, "calls.requests." + attacker + ".>"}},
					Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
				}})
		}
	}
	o.NoAuthUser = "test"
	return o
}

// inBubble runs in a bubble, beside a worker that is ready.
func inBubble(t *testing.T, change func(*configs.Config), do func(t *testing.T, env *environment)) {
	t.Helper()
	options, dir := config(t), t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	// The NATS client keeps timers in a pool of the process; one of an earlier
	// bubble would be refused here.
	runtime.GC()
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		env := &environment{t: t, began: time.Now()}
		env.Environment = bubble.NewWithBroker(t, dir, simulator.Config{World: organisations()}, log, func(c *configs.Config) {
			c.NATS.User, c.NATS.Password = "worker", configs.NewSecret(password)
			c.Streams.Provision = true
			c.Accounts = map[string]configs.Account{}
			for _, name := range []string{attacker, honest} {
				a := configs.DefaultAccount()
				a.APIKey = configs.NewSecret(name)
				c.Accounts[name] = a
			}
			if change != nil {
				change(c)
			}
		}, func(o *server.Options) {
			options.ServerName, options.DontListen, options.NoSigs, options.NoLog = o.ServerName, true, true, true
			options.StoreDir = o.StoreDir
			*o = *options
		})
		defer env.Close()
		env.log = &brokerLog{}
		env.Broker().SetLoggerV2(env.log, false, false, false)
		if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), env.Conn.JetStream()); err != nil {
			t.Fatal(err)
		}
		env.worker = env.StartWorker("one")
		sleep(time.Minute)
		if err := env.worker.App.Ready(); err != nil {
			t.Fatalf("the worker: %v; the broker says: %s", err, env.log.ofWorkers())
		}
		do(t, env)
	})
}

func organisations() simulator.World {
	var all simulator.World
	for i, name := range []string{attacker, honest} {
		all.Organisations = append(all.Organisations, simulator.Organisation{
			Name: name, ID: int64(1001 + i), APIKeys: []string{name},
			Apps: []simulator.App{{ID: "sfv_app_" + name, Name: name, AnswerURL: "https://publisher.example/answer", Numbers: []string{callerID[name]}}},
		})
	}
	return all
}

// publisher is a client with the name, the NATS account and the rights of one
// publisher, and what the broker confirmed to it.
type publisher struct {
	w       *environment
	account string
	nc      *nats.Conn

	mu        sync.Mutex
	published []reconcile.Published
}

func (env *environment) connect(account string) *publisher {
	env.t.Helper()
	p := &publisher{w: env, account: account}
	nc, err := nats.Connect("nats://in-process", env.InProcess(), nats.UserInfo(account, password),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // being refused is its business
	if err != nil {
		env.t.Fatal(err)
	}
	p.nc = nc
	return p
}

// body is a request for a call with an answer URL of its own.
func (p *publisher) body(id, callee string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"from":%q,"to":%q,"answer_url":%q}`, id, callerID[p.account], callee, answerURL(p.account, id))
}

func answerURL(account, id string) string { return "https://" + account + ".example/" + id }

// evidence reads the sources for an account.
func (env *environment) evidence(p *publisher) reconcile.Input {
	env.t.Helper()
	e, err := reconcile.Gather(context.Background(), env.Conn.JetStream(), call.Account(p.account))
	if err != nil {
		env.t.Fatal(err)
	}
	e.Published = p.published
	for _, c := range env.Simulator.Oracle().Calls {
		if c.Organisation != p.account {
			continue
		}
		for _, ring := range c.Rings {
			e.Rings = append(e.Rings, reconcile.Ring{Callee: c.Callee, AnswerURL: c.AnswerURL, RequestUUID: ring.RequestUUID})
		}
	}
	return e
}

// sleep lets time pass.
func sleep(d time.Duration) { <-time.After(d) }

// magicCallee is a callee whose calls meet a fault of the provider's: the first so
// many, or all of them if that is 0.
func magicCallee(t *testing.T, fault string, first int) string {
	t.Helper()
	callee := simulator.MagicCallee(fault, first)
	if callee == "" {
		t.Fatalf("no callee meets the fault %s", fault)
	}
	return callee
}

// errForgotten is what "duplicate": true comes to: the broker has not stored it.
var errForgotten = errors.New("the broker took it for a duplicate")

// try asks for a call, and returns the broker's answer: the error of a
// refusal, or nothing, and then the message is one that has to come to an end.
func (p *publisher) try(subject string, body []byte, header nats.Header) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	answer, err := p.nc.RequestMsgWithContext(ctx, &nats.Msg{Subject: subject, Data: body, Header: header})
	if err != nil {
		return err
	}
	var ack struct {
		Stream    string `json:"stream"`
		Seq       uint64 `json:"seq"`
		Duplicate bool   `json:"duplicate"`
		Error     *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return fmt.Errorf("the answer is no acknowledgement: %q", answer.Data)
	}
	if ack.Error != nil {
		return errors.New(ack.Error.Description)
	}
	if ack.Duplicate {
		return errForgotten
	}
	name := fmt.Sprintf("%s %d", subject, ack.Seq)
	p.published = append(p.published, reconcile.Published{Name: name, OriginKey: queue.Origin(ack.Stream, ack.Seq, time.Time{}).Key(), Body: body, MessageID: header.Get(nats.MsgIdHdr)})
	return nil
}

// publish asks for a call as publishers do.
func (p *publisher) publish(t *testing.T, body []byte) {
	t.Helper()
	if err := p.try("calls.requests."+p.account, body, nil); err != nil {
		t.Fatal(err)
	}
}

// awaitIdle waits until no request and no parked call is left. What never ends is for the check to find.
func (env *environment) awaitIdle(t *testing.T) {
	t.Helper()
	for range 24 * 60 {
		left, err := reconcile.CountMessages(t.Context(), env.Conn.JetStream(), queue.WorkQueues()...)
		if err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			return
		}
		sleep(time.Minute)
	}
}

func simulatorIdentity(account string, i int) simulator.Identity {
	return simulator.Identity{
		Organisation: account, Callee: honestCallee(i), AnswerURL: answerURL(account, honestID(i)),
	}
}

func honestID(i int) string     { return fmt.Sprintf("honest-%d", i) }
func honestCallee(i int) string { return fmt.Sprintf("+9198123%05d", i) }
