package dispatcher

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ringonce/ringonce/call"
)

// TestNoPhoneRingsTwiceAndNoRequestIsForgotten runs two workers in a world that
// loses answers, delays writes, stops and kills workers and delivers again at
// the worst moment. A POST may follow another only if that one proved that it
// did not ring; and once the world is calm every request has its one ending.
func TestNoPhoneRingsTwiceAndNoRequestIsForgotten(t *testing.T) {
	ended := map[call.State]int{}
	redialled, redelivered := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		var wrongs []string
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t.Context(), seed)
			w.publish(published(requestBody("a")))
			<-time.After(time.Duration(w.draw(30)) * time.Minute)
			w.settleDown()
			wrongs = w.judge()
			ended[w.workers[0].records.get().State]++
			if len(w.dials) > 1 {
				redialled++
			}
			if w.messages[0].deliveries > 1 {
				redelivered++
			}
		})
		for _, wrong := range wrongs {
			rt.Error(wrong)
		}
	})
	if ended[call.StatePlaced] == 0 || ended[call.StateUnknown] == 0 || redialled == 0 || redelivered == 0 {
		t.Errorf("the worlds were too quiet: ended %v, redialled %d, redelivered %d", ended, redialled, redelivered)
	}
}

// judge tells what is wrong with a world that has become calm.
func (w *world) judge() []string {
	wrongs := w.wrongs
	r := w.workers[0].records.get()
	var letters []string
	switch {
	case r.State == call.StateDead, r.State == call.StateUnknown:
		letters = []string{string(r.Reason) + " a"}
	case r.State != call.StatePlaced:
		wrongs = append(wrongs, fmt.Sprintf("the request is left %q", r.State))
	}
	if got := w.workers[0].deadLetters.tokens(); !slices.Equal(got, letters) {
		wrongs = append(wrongs, fmt.Sprintf("a call that is %s has the dead letters %q", r.State, got))
	}
	if n := w.left(); n > 0 {
		wrongs = append(wrongs, fmt.Sprintf("%d messages are left of a call that is %s", n, r.State))
	}
	return wrongs
}
