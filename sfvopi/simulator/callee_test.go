package simulator

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// endings places a call to one callee so many times, one after another, and
// returns how each ended.
func endings(t *testing.T, config Config, callee string, times int) (ended []string, rang []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		config.Webhooks = &http.Client{Transport: &publisher{}}
		p := overPipe(t, config)
		for range times {
			p.do(t.Context(), "POST", "/sfvopi/calls", strings.TrimSuffix(callBody(DefaultNumber, callee, testAnswerURL), "}")+hooksExtra)
			<-time.After(time.Hour) // fake time
		}
		for _, ring := range p.Call(Identity{DefaultOrganisation, callee, testAnswerURL}).Rings {
			ended = append(ended, string(ring.Ending))
			rang = append(rang, ring.EndedAt.Sub(ring.RangAt))
		}
	})
	return ended, rang
}

func TestBusyAtFirstThenAnswers(t *testing.T) {
	want := []string{"BUSY", "BUSY", "COMPLETED", "COMPLETED"}
	if got, _ := endings(t, Config{}, MagicPrefix+"60022", 4); !slices.Equal(got, want) {
		t.Errorf("the magic callee ended %v, want %v", got, want)
	}
	rules := []Rule{{Name: "busy", Ending: Busy, First: 2, Callee: testCallee}}
	if got, _ := endings(t, Config{Rules: rules}, testCallee, 4); !slices.Equal(got, want) {
		t.Errorf("the rule ended %v, want %v", got, want)
	}
}

func TestCalleeReactsAfterRings(t *testing.T) {
	for name, c := range map[string]struct {
		callee string
		rule   Rule
		ending Ending
		rang   time.Duration
	}{
		"magic":             {MagicPrefix + "61040", Rule{}, Completed, 4*RingCadence + 10*time.Second},
		"magic, too late":   {MagicPrefix + "61300", Rule{}, NoAnswer, time.Minute},
		"rule":              {testCallee, Rule{Name: "a", AfterRings: 2}, Completed, 2*RingCadence + 10*time.Second},
		"busy after a ring": {testCallee, Rule{Name: "a", AfterRings: 1, Ending: Busy}, Busy, RingCadence},
		"no answer":         {testCallee, Rule{Name: "a", AfterRings: 100, Ending: NoAnswer}, NoAnswer, time.Minute},
		"longer talk":       {testCallee, Rule{Name: "a", Duration: 5 * time.Minute}, Completed, 3*time.Second + 5*time.Minute},
		"failed at first":   {MagicPrefix + "60041", Rule{}, Failed, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Timing: ordinary}
			if c.rule.Name != "" {
				config.Rules = []Rule{c.rule}
			}
			ended, rang := endings(t, config, c.callee, 1)
			if ended[0] != string(c.ending) || rang[0] != c.rang {
				t.Errorf("it ended %s %s after the first ring, want %s after %s", ended[0], rang[0], c.ending, c.rang)
			}
		})
	}
}

// A rule may make the provider lie: it refuses, and rings.
func TestARefusalThatRang(t *testing.T) {
	p := overTCP(t, Config{Rules: []Rule{{Name: "lie", Fault: "service_temporarily_unavailable", Rang: true, First: 1}}})
	if got := p.call(testCallee); got.status != 500 {
		t.Errorf("got %d", got.status)
	}
	call := p.Call(testIdentity)
	if call.Rung != 1 || call.Posts[0].Result != "service_temporarily_unavailable" || call.Posts[0].RequestUUID == "" {
		t.Errorf("recorded %+v", call)
	}
}
