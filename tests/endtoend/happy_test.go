package endtoend_test

import (
	"fmt"
	"testing"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

func TestEveryRequestIsPlacedOnce(t *testing.T) {
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	const requests = 200
	for i := range requests {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	env.AwaitDrained()
	for i := range requests {
		record := env.AwaitState(fmt.Sprintf("call-%d", i), call.StatePlaced)
		if record.RequestUUID == "" || record.Made != 1 {
			t.Errorf("call-%d: made %d attempts, request_uuid %q", i, record.Made, record.RequestUUID)
		}
	}
	if s := env.Simulator.Oracle().Summary; s.RungTwice != 0 || s.Rung != requests {
		t.Errorf("the provider rang %d phones, %d of them twice", s.Rung, s.RungTwice)
	}
}
