package commands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/tests/harness"
)

// operatorMayPublish are the permissions of operators in docs/operations.md.
var operatorMayPublish = []string{
	"calls.requests.>", "calls.due.>", "calls.records.>", "calls.parked.>", "calls.dead.>", "$KV.CALL_CONTROL.>",
	"$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.KV_CALL_CONTROL.>",
	"$JS.API.STREAM.MSG.DELETE.CALLS_DEAD", "$JS.API.STREAM.PURGE.CALLS_PARKED", "$JS.API.CONSUMER.>", "$JS.ACK.>", "calls.operated.>",
}

func TestOperatorsNeedNoMorePermissionsThanDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range operatorMayPublish {
		if !strings.Contains(string(page), "`"+subject+"`") {
			t.Errorf("docs/operations.md does not name the permission %s", subject)
		}
	}
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true, Configure: func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "all", Password: "secret"},
			{Username: "operator", Password: "secret", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: operatorMayPublish},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
			}},
			{Username: "provisioner", Password: "secret", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: append([]string{"$JS.API.STREAM.CREATE.*"}, operatorMayPublish...)},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
			}},
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	as := func(user, args string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), filepath.Join(binary, "ringonce"), strings.Fields(args)...)
		command.Env = []string{
			"PATH=" + os.Getenv("PATH"), "NATS_URL=" + broker.ClientURL(),
			"RINGONCE_NATS_USER=" + user, "RINGONCE_NATS_PASSWORD=secret",
		}
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("ringonce %s: %v\n%s", args, err, out)
		}
	}
	as("provisioner", "streams apply")
	prepare(t, broker.ClientURL())
	for _, args := range []string{
		"publish --id p1 --from +912071531001 --to +919812345678 --answer-url " + harness.AnswerURL,
		"calls show d1",
		"calls cancel --account default --unpublished c1",
		"calls audit --repair",
		"dead list",
		"dead show d1",
		"dead replay --why test d1",
		"dead discard --why test d2",
		"unknown list",
		"unknown resolve --rang --why test --yes u1",
		"unknown resolve --not-rung --why test --yes u2",
		"accounts list",
		"accounts pause default --why test --yes",
		"accounts resume --all",
		"streams check",
		"streams declare --valid-from now --why test --yes",
		"doctor",
	} {
		as("operator", args)
	}
}

// prepare creates calls for the commands.
func prepare(t *testing.T, url string) {
	t.Helper()
	up := make(chan struct{}, 1)
	conn, err := queue.Connect(queue.ConnectOptions{
		URL: url, Name: "test", Options: []nats.Option{nats.UserInfo("all", "secret")},
		OnConnectionChange: func(connected bool, _ error) {
			if connected {
				up <- struct{}{}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	<-up
	operator, err := admin.NewOperator(t.Context(), conn, keep)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for id, dead := range map[string]bool{"d1": true, "d2": true, "u1": false, "u2": false} {
		body := []byte(harness.Body(id, "+919812345678"))
		r := call.NewRecord(harness.Account, call.ID(id), "f1:x", call.Origin{Sequence: 1, Published: now}, call.Normal, "", body)
		if dead {
			r, err = r.MarkDead(call.Expired, "", now)
		} else if r, err = r.Claim("worker", "nonce", now.Add(-time.Hour)); err == nil {
			r, err = r.MarkUnknown("nonce", call.Outcome{Class: call.Unknown, Reason: call.WorkerLost}, now)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := operator.Records().Put(t.Context(), r, call.Version{}); err != nil {
			t.Fatal(err)
		}
		if err := operator.DeadLetters().Put(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
	}
}
