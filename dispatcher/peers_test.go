package dispatcher

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/ringonce/ringonce/call"
)

// TestARefusedProbeSpendsNoAttempt of the call that was chosen for it.
func TestARefusedProbeSpendsNoAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, b *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Lane.RunProbes(ctx)
		b.provider.place = answers(call.Outcome{Class: call.Refused, Reason: call.ServiceUnavailable, FeedsBreaker: true})
		for i := range 5 {
			b.handle(t, published(requestBody(strconv.Itoa(i))))
		}
		if n, _ := b.Lane.WaitCapacity(t.Context()); n != 1 {
			t.Fatalf("%d calls may probe", n)
		}
		b.handle(t, published(requestBody("a")))
		if r := b.records.get(); r.Made != 1 || r.Spent != 0 || r.State != call.StateWaiting || !r.Parked {
			t.Errorf("%d attempts were made and %d spent; it is %s", r.Made, r.Spent, r.State)
		}
		if want := []call.PeerEventKind{call.ProbeStarted, call.ProbeRefused}; !slices.Equal(b.peers.events, want) {
			t.Errorf("the other workers were notified of %q", b.peers.events)
		}
	})
}
