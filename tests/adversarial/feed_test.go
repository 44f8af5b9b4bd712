package adversarial

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The feed of events, with a consumer for each publisher.
const feed = "CALL_EVENTS"

func consumerOf(account string) string { return "publisher-" + account }

func nextOf(account string) string {
	return "$JS.API.CONSUMER.MSG.NEXT." + feed + "." + consumerOf(account)
}

// provideFeed has one event for each account, and returns the consumers.
func provideFeed(t *testing.T, env *environment) map[string]jetstream.Consumer {
	t.Helper()
	js := env.Conn.JetStream()
	_, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: feed, Subjects: []string{"calls.events.>"}})
	if err != nil {
		t.Fatal(err)
	}
	consumers := map[string]jetstream.Consumer{}
	for _, account := range []string{attacker, honest} {
		consumers[account], err = js.CreateOrUpdateConsumer(t.Context(), feed, jetstream.ConsumerConfig{
			Durable: consumerOf(account), FilterSubject: "calls.events." + account + ".>", AckPolicy: jetstream.AckExplicitPolicy,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "calls.events."+account+".ended", []byte(account)); err != nil {
			t.Fatal(err)
		}
	}
	return consumers
}

// ask sends a request and returns the first answer, or the error with which the
// broker refuses it.
func (p *publisher) ask(subject, body string) (*nats.Msg, error) {
	return p.nc.Request(subject, []byte(body), 2*time.Second)
}

// A publisher reads what became of its own calls, and acknowledges it.
func TestAPublisherReadsItsOwnFeed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		consumers := provideFeed(t, env)
		for _, account := range []string{attacker, honest} {
			p := env.connect(account)
			defer p.nc.Close()
			inbox, err := p.nc.SubscribeSync(p.nc.NewRespInbox())
			if err != nil {
				t.Fatal(err)
			}
			if err := p.nc.PublishRequest(nextOf(account), inbox.Subject, []byte(`{"batch":10,"expires":5000000000}`)); err != nil {
				t.Fatal(err)
			}
			event, err := inbox.NextMsg(time.Second)
			if err != nil || string(event.Data) != account || event.Subject != "calls.events."+account+".ended" {
				t.Fatalf("%s reads %+v, %v", account, event, err)
			}
			// More than one message answers one request.
			if _, err := env.Conn.JetStream().Publish(t.Context(), "calls.events."+account+".dead", nil); err != nil {
				t.Fatal(err)
			}
			if second, err := inbox.NextMsg(time.Second); err != nil || second.Subject != "calls.events."+account+".dead" {
				t.Errorf("%s reads %+v, %v", account, second, err)
			}
			if _, err := p.nc.Request(event.Reply, []byte("+ACK"), time.Second); err != nil {
				t.Errorf("%s acknowledges: %v", account, err)
			}
			info, err := consumers[account].Info(t.Context())
			if err != nil || info.AckFloor.Consumer != 1 || info.NumAckPending != 1 {
				t.Errorf("%s: %+v, %v", account, info, err)
			}
			if _, err := inbox.NextMsg(10 * time.Second); err != nil && !errors.Is(err, nats.ErrTimeout) {
				t.Error(err)
			}
		}
	})
}

// Of its neighbour's feed a publisher reads nothing, and it can neither move nor
// remove the consumer, acknowledge for it, nor publish events of its own.
func TestAPublisherReachesNoOtherFeed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		consumers := provideFeed(t, env)
		before, err := consumers[honest].Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := env.connect(attacker)
		defer p.nc.Close()
		overheard, err := p.nc.SubscribeSync("calls.>")
		if err != nil {
			t.Fatal(err)
		}
		create := func(name string) string {
			return fmt.Sprintf(`{"stream_name":%q,"config":{"durable_name":%q,"filter_subject":"calls.events.%s.>","deliver_subject":"stolen","ack_policy":"explicit"},"action":""}`, feed, name, honest)
		}
		for subject, body := range map[string]string{
			nextOf(honest): "1",
			"$JS.API.CONSUMER.MSG.NEXT." + feed + ".>":                                                        "1",
			"$JS.API.CONSUMER.CREATE." + feed:                                                                 create("thief"),
			"$JS.API.CONSUMER.CREATE." + feed + "." + consumerOf(honest):                                      create(consumerOf(honest)),
			"$JS.API.CONSUMER.CREATE." + feed + "." + consumerOf(attacker):                                    create(consumerOf(attacker)),
			"$JS.API.CONSUMER.CREATE." + feed + "." + consumerOf(attacker) + ".calls.events." + honest + ".>": create(consumerOf(attacker)),
			"$JS.API.CONSUMER.DURABLE.CREATE." + feed + "." + consumerOf(attacker):                            create(consumerOf(attacker)),
			"$JS.API.CONSUMER.DELETE." + feed + "." + consumerOf(honest):                                      "",
			"$JS.API.CONSUMER.INFO." + feed + "." + consumerOf(honest):                                        "",
			"$JS.API.CONSUMER.PAUSE." + feed + "." + consumerOf(honest):                                       `{"pause_until":"2100-01-01T00:00:00Z"}`,
			"$JS.API.CONSUMER.UNPIN." + feed + "." + consumerOf(honest):                                       `{"group":"g"}`,
			"$JS.API.CONSUMER.NAMES." + feed:                                                                  "",
			"$JS.API.STREAM.INFO." + feed:                                                                     "",
			"$JS.API.STREAM.MSG.GET." + feed:                                                                  `{"last_by_subj":"calls.events.` + honest + `.ended"}`,
			"$JS.API.DIRECT.GET." + feed + ".calls.events." + honest + ".ended":                               "",
			"$JS.API.STREAM.PURGE." + feed:                                                                    "",
			"$JS.API.STREAM.DELETE." + feed:                                                                   "",
			"$JS.API.STREAM.MSG.DELETE." + feed:                                                               `{"seq":2}`,
			"calls.events." + honest + ".ended":                                                               "forged",
			"calls.events." + attacker + ".ended":                                                             "forged",
			"$JS.ACK." + feed + "." + consumerOf(honest) + ".1.2.1.1.0":                                       "+ACK",
			"calls.cancel." + honest:                                                                          `{"id":"a"}`,
			"calls.hooks." + attacker + ".a":                                                                  "{}",
		} {
			for _, header := range []nats.Header{nil, {"Nats-Request-Info": {`{"acc":"RINGONCE","svc":"RINGONCE"}`}}} {
				answer, err := p.nc.RequestMsg(&nats.Msg{Subject: subject, Data: []byte(body), Header: header}, 2*time.Second)
				if err == nil && !strings.Contains(string(answer.Data), `"error"`) {
					t.Errorf("%s is answered: %s", subject, answer.Data)
				}
			}
		}
		// Its own requests, with the answer sent where it would do harm.
		for _, reply := range []string{"calls.events." + honest + ".ended", "calls.records." + honest + ".a", "$KV.CALL_CONTROL.paused-all"} {
			if err := p.nc.PublishRequest(nextOf(attacker), reply, []byte(`{"batch":1,"no_wait":true}`)); err != nil {
				t.Fatal(err)
			}
		}
		sleep(time.Minute)
		for m, err := overheard.NextMsg(time.Second); err == nil; m, err = overheard.NextMsg(time.Second) {
			if string(m.Data) == honest { // what it publishes itself comes back to it
				t.Errorf("it overhears %s", m.Subject)
			}
		}
		after, err := consumers[honest].Info(t.Context())
		if err != nil || after.Config.FilterSubject != before.Config.FilterSubject || after.Config.DeliverSubject != "" ||
			after.Delivered != before.Delivered || after.AckFloor != before.AckFloor || after.NumPending != 1 {
			t.Errorf("the neighbour's consumer was %+v and is %+v, %v", before, after, err)
		}
		stream, err := env.Conn.JetStream().Stream(t.Context(), feed)
		if err != nil || stream.CachedInfo().State.Msgs != 2 || stream.CachedInfo().State.Consumers != 2 {
			t.Errorf("the feed is %+v, %v", stream.CachedInfo().State, err)
		}
		if paused, err := env.Conn.JetStream().KeyValue(t.Context(), "CALL_CONTROL"); err != nil {
			t.Error(err)
		} else if _, err := paused.Get(t.Context(), "paused-all"); !errors.Is(err, jetstream.ErrKeyNotFound) {
			t.Errorf("everything is paused: %v", err)
		}
	})
}

// The receiver, which the internet reaches, stores hooks and does nothing else,
// even where it names a reply that JetStream would confirm with its own rights.
func TestTheReceiverOnlyStoresHooks(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		js := env.Conn.JetStream()
		if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{
			Name: "CALL_HOOKS", Subjects: []string{"calls.hooks.*.*"}, Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
		}); err != nil {
			t.Fatal(err)
		}
		r := env.connect("receiver")
		defer r.nc.Close()
		if answer, err := r.ask("calls.hooks."+honest+".a", "{}"); err != nil || !strings.Contains(string(answer.Data), `"stream":"CALL_HOOKS"`) {
			t.Errorf("a hook: %v, %v", answer, err)
		}
		for _, subject := range []string{
			"calls.requests." + honest, "calls.records." + honest + ".a", "calls.due." + honest, "calls.events." + honest + ".ended",
			"calls.cancel." + honest, "calls.open." + honest + ".1", "calls.relays." + honest + ".a", "$KV.CALL_CONTROL.paused-all",
			"$JS.API.STREAM.MSG.GET.CALL_HOOKS", "$JS.API.STREAM.PURGE.CALL_HOOKS", "$JS.API.STREAM.DELETE.CALL_HOOKS",
			"$JS.API.CONSUMER.CREATE.CALL_HOOKS.x", "$JS.API.STREAM.INFO.CALL_RECORDS", "$JS.API.STREAM.MSG.GET.CALL_RECORDS",
		} {
			if answer, err := r.ask(subject, `{"seq":1}`); err == nil && !strings.Contains(string(answer.Data), `"error"`) {
				t.Errorf("%s is answered: %s", subject, answer.Data)
			}
		}
		records, err := js.Stream(t.Context(), "CALL_RECORDS")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.nc.PublishRequest("calls.hooks."+honest+".b", "calls.records."+honest+".a", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		sleep(time.Second)
		if now, err := js.Stream(t.Context(), "CALL_RECORDS"); err != nil || now.CachedInfo().State.LastSeq != records.CachedInfo().State.LastSeq {
			t.Errorf("the confirmation became a record: %v", err)
		}
		if hooks, err := js.Stream(t.Context(), "CALL_HOOKS"); err != nil || hooks.CachedInfo().State.Msgs != 2 {
			t.Errorf("hooks: %v", err)
		}
	})
}

// A publisher's wish to cancel reaches the workers for its own account alone, and
// a worker may answer it.
func TestAPublisherCancelsInItsAccountAlone(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		worker := env.connect("worker")
		defer worker.nc.Close()
		if _, err := worker.nc.Subscribe("calls.cancel.*", func(m *nats.Msg) { _ = m.Respond([]byte("heard " + m.Subject)) }); err != nil {
			t.Fatal(err)
		}
		if err := worker.nc.Flush(); err != nil {
			t.Fatal(err)
		}
		p := env.connect(attacker)
		defer p.nc.Close()
		if answer, err := p.ask("calls.cancel."+attacker, `{"id":"a"}`); err != nil || string(answer.Data) != "heard calls.cancel."+attacker {
			t.Errorf("its own: %v, %v", answer, err)
		}
		for _, subject := range []string{"calls.cancel." + honest, "calls.cancel.*", "calls.cancel", "calls.cancel." + attacker + ".x"} {
			if answer, err := p.ask(subject, `{"id":"a"}`); err == nil {
				t.Errorf("%s is answered: %s", subject, answer.Data)
			}
		}
	})
}

// What nats.conf exports to the account of a publisher, or of the receiver, is what
// the tests above try, and nothing else: not under another name either.
func TestAccountsAreGivenNothingElse(t *testing.T) {
	file, err := os.ReadFile("../../deployments/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string][]string{}
	for _, m := range regexp.MustCompile(`\{ service: "([^"]+)",(?: response: \w+,)? accounts: \[([A-Z, ]+)\] \}`).FindAllStringSubmatch(string(file), -1) {
		given[m[2]] = append(given[m[2]], m[1])
	}
	if n := strings.Count(string(file), `service: "`); n != len(slices.Concat(slices.Collect(maps.Values(given))...)) {
		t.Errorf("%d services are exported, some in a form that this test does not read, or to everybody", n)
	}
	want := map[string][]string{"RECEIVER": {"calls.hooks.*.*"}}
	for _, account := range []string{attacker, honest} {
		requests := "calls.requests." + account
		want[strings.ToUpper(account)] = []string{
			requests, requests + ".urgent", requests + ".normal", requests + ".bulk",
			"calls.cancel." + account, nextOf(account), "$JS.ACK." + feed + "." + consumerOf(account) + ".>",
		}
	}
	if !reflect.DeepEqual(given, want) {
		t.Errorf("exported are\n%q\nwant\n%q", given, want)
	}
}
