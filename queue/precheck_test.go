package queue

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// made lists the streams that are there.
func (b *broker) made() []string {
	b.t.Helper()
	var names []string
	lister := b.JetStream().StreamNames(b.t.Context())
	for name := range lister.Name() {
		names = append(names, name)
	}
	if lister.Err() != nil {
		b.t.Fatal(lister.Err())
	}
	return names
}

func sized(urgent, normal, bulk int64) Topology {
	return Topology{Replicas: 1, MaxBytes: map[call.Priority]int64{call.Urgent: urgent, call.Normal: normal, call.Bulk: bulk}}
}

// TestRoomIsCheckedFirst: what the broker has no room for keeps every stream from
// being made, and the error says how much is needed, how much there is, and what
// to change.
func TestRoomIsCheckedFirst(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name     string
		topology Topology
		server   int64 // max_file_store
		account  int64 // its limit, if any
		says     []string
	}{
		{"fits", sized(256*mib, 768*mib, 1024*mib), 10 << 30, 0, nil},
		{"just fits", sized(10*mib, 20*mib, 69*mib), 100 * mib, 0, nil},
		{"no bound reserves nothing", sized(0, 0, 0), mib, 0, nil},
		{
			"nothing is left for the others", sized(10*mib, 20*mib, 70*mib), 100 * mib, 0, []string{"100 MiB"},
		},
		{
			"the server is too small", sized(10*mib, 20*mib, 71*mib), 100 * mib, 0,
			[]string{"101 MiB", "max_urgent_mib 10", "max_normal_mib 20", "max_bulk_mib 71", "max_file_store"},
		},
		{"one stream alone is too large", sized(0, 0, 16<<30), 10 << 30, 0, []string{"16384 MiB", "can be reserved"}},
		{"the account is too small", sized(10*mib, 20*mib, 30*mib), 10 << 30, 50 * mib, []string{"60 MiB", "a limit of 50 MiB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			configure := func(o *server.Options) {
				o.JetStreamMaxStore = c.server
				o.Users = []*server.User{{Username: "worker", Password: "w"}}
			}
			bubbleWith(t, configure, func(t *testing.T, b *broker) {
				if c.account > 0 {
					must[struct{}](t)(struct{}{}, b.Server().MayStore(c.account))
				}
				made, err := c.topology.Apply(t.Context(), b.JetStream())
				if c.says == nil {
					if err != nil || len(made) != 8 || len(b.made()) != 8 {
						t.Errorf("made %v and there are %v: %v", made, b.made(), err)
					}
					return
				}
				if !errors.Is(err, ErrInsufficientStorage) || len(b.made()) > 0 {
					t.Fatalf("made %v: %v", b.made(), err)
				}
				if about := roomSaid(err); about < 0 || about > c.server/mib {
					t.Errorf("it says that %d MiB can be reserved: %v", about, err)
				}
				for _, part := range c.says {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("it does not say %q: %v", part, err)
					}
				}
			})
		})
	}
}

// roomSaid is how much room an error says that there is, in MiB. The broker's own
// account lags behind the streams that are deleted, so that it is about that.
func roomSaid(err error) (mib int64) {
	_, said, _ := strings.Cut(err.Error(), "about ")
	if _, scanErr := fmt.Sscanf(said, "%d MiB can be reserved", &mib); scanErr != nil {
		return -1
	}
	return mib
}

// TestRoomWithoutThePermissionToAsk leaves it to the making of the streams.
func TestRoomWithoutThePermissionToAsk(t *testing.T) {
	bubbleWith(t, workerWithout([]string{"$JS.API.STREAM.DELETE.>", "$JS.API.STREAM.NAMES"}, nil),
		func(t *testing.T, b *broker) {
			if made, err := sized(1<<20, 1<<20, 1<<20).Apply(t.Context(), b.JetStream()); err != nil || len(made) != 8 {
				t.Errorf("made %v: %v", made, err)
			}
		})
}

// TestAForeignStream is named, and neither changed nor built around.
func TestAForeignStream(t *testing.T) {
	for _, c := range []struct {
		stream  string
		subject string
		by      error
		says    []string
	}{
		{"CALLS", "phone.calls.>", ErrForeignStream, []string{"CALLS has the subjects [phone.calls.>]", "account of its own"}},
		{"CALL_RECORDS", "records.>", ErrForeignStream, []string{"CALL_RECORDS", "[records.>]"}},
		{"EVERYTHING", "calls.>", ErrForeignStream, []string{"EVERYTHING", "overlap", "account of its own"}},
		{"AUDIT", "calls.requests.*.bulk", ErrForeignStream, []string{"AUDIT", "calls.requests.*.bulk of CALLS_BULK"}},
		{"ONE", "calls.records.acme.one", ErrForeignStream, []string{"ONE", "calls.records.> of CALL_RECORDS"}},
	} {
		t.Run(c.stream, func(t *testing.T) {
			bubbleWith(t, nil, func(t *testing.T, b *broker) {
				theirs := jetstream.StreamConfig{Name: c.stream, Subjects: []string{c.subject}, MaxAge: 5e9}
				must[jetstream.Stream](t)(b.JetStream().CreateStream(t.Context(), theirs))
				_, err := (Topology{Replicas: 1}).Apply(t.Context(), b.JetStream())
				if !errors.Is(err, c.by) || len(b.made()) != 1 {
					t.Fatalf("there are %v: %v", b.made(), err)
				}
				for _, part := range c.says {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("it does not say %q: %v", part, err)
					}
				}
				s := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), c.stream))
				if have := s.CachedInfo().Config; have.MaxAge != theirs.MaxAge || have.Subjects[0] != c.subject {
					t.Errorf("it was changed: %+v", have)
				}
				differences := must[[]Drift](t)((Topology{Replicas: 1}).Check(t.Context(), b.JetStream()))
				for _, d := range differences {
					if d.Setting != "" && !d.Foreign {
						t.Errorf("it is compared: %s", d)
					}
				}
			})
		})
	}
}

func TestAnOldServer(t *testing.T) {
	for version, fine := range map[string]bool{
		"2.12.0": true, "2.15.2": true, "v2.12.1": true, "3.0.0": true, "2.12.0-RC.1": true,
		"2.11.9": false, "2.10.29": false, "1.4.1": false, "": false, "2": false, "rubbish": false, "2.x": false,
	} {
		if newEnough(version) != fine {
			t.Errorf("%q: %t", version, !fine)
		}
	}
}
