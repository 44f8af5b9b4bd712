package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// A request that waits is found by the id that its worker will read, among many
// others, in whichever stream it waits.
func TestFindRequest(t *testing.T) {
	f := newFixture(t)
	publish := func(subject, body, header string) {
		t.Helper()
		m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
		if header != "" {
			m.Header.Set("Nats-Msg-Id", header)
		}
		if _, err := f.conn.JetStream().PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		publish("calls.requests.acme.bulk", fmt.Sprintf(`{"id":"b%d"}`, i), "")
	}
	publish("calls.requests.acme", "\ufeff"+`{"id":"n1"`, "") // not even JSON
	publish("calls.requests.acme.urgent", `{}`, "u1")
	publish("calls.requests.acme.urgent", `{}`, "")
	publish("calls.requests.other.bulk", `{"id":"b150"}`, "")
	publish("calls.requests.other", `{"id":"o1"}`, "")

	tests := []struct {
		account  call.Account
		id       call.ID
		found    call.Account // empty: it is not
		priority call.Priority
	}{
		{"acme", "b0", "acme", call.Bulk},
		{"acme", "b199", "acme", call.Bulk},
		{"", "b77", "acme", call.Bulk},
		{"other", "b150", "other", call.Bulk},
		{"", "n1", "acme", call.Normal},
		{"acme", "u1", "acme", call.Urgent},
		{"", "o1", "other", call.Normal},
		{"acme", "o1", "", ""},
		{"acme", "b200", "", ""},
		{"none", "b0", "", ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s of %q", test.id, test.account), func(t *testing.T) {
			d, search, err := f.operator.FindRequest(t.Context(), test.account, test.id, nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.found == "" {
				if d != nil || !search.Complete() {
					t.Errorf("found %+v; complete %t after %+v", d, search.Complete(), search)
				}
				return
			}
			if d == nil || d.Account != test.found || d.Priority != test.priority || d.ID() != test.id {
				t.Errorf("found %+v", d)
			}
		})
	}
	if depth, _ := f.conn.JetStream().Stream(t.Context(), queue.StreamBulk); depth.CachedInfo().State.Msgs != 201 {
		t.Error("the search took something away")
	}
	if id := (call.Delivery{Body: []byte(`{}`)}).ID(); !id.Generated() {
		t.Errorf("a request without an id is called %s", id)
	}
}

func TestAccountsOfAnID(t *testing.T) {
	f := newFixture(t)
	f.dead("d1", call.Expired)
	other := fresh("d1")
	other.Account = "other"
	other, err := other.MarkDead(call.Malformed, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.putLetter(other)
	accounts, err := f.operator.AccountsOf(t.Context(), "d1")
	if err != nil || !slices.Equal(accounts, []call.Account{acct, "other"}) {
		t.Errorf("%v, %v", accounts, err)
	}
}
