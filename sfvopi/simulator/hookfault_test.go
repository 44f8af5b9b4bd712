package simulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ordinary is a call that rings after a second, is answered after three more, and
// lasts ten.
var ordinary = Timing{RingDelay: time.Second, AnswerDelay: 3 * time.Second, Duration: 10 * time.Second}

// told is what the publisher was sent, one word a hook, with its second.
func told(began time.Time, got []delivery) string {
	var words []string
	for _, each := range got {
		word := map[string]string{ringAt: "ring", hangupAt: "hangup", testAnswerURL: "answer"}[each.url]
		if word == "" {
			word = "query:" + each.url[strings.LastIndex(each.url[:strings.Index(each.url, "?")], "/")+1:strings.Index(each.url, "?")]
		}
		if each.method == http.MethodGet {
			word = "GET " + word
		} else if each.body == nil {
			word += "(no JSON)"
		}
		words = append(words, fmt.Sprintf("%s@%g", word, each.at.Sub(began).Seconds()))
	}
	return strings.Join(words, " ")
}

func TestHookFaults(t *testing.T) {
	rule := func(fault string, hook HookKind, delay time.Duration) Rule {
		return Rule{Name: "hooks", On: Hooks, Fault: fault, Hook: hook, Delay: delay}
	}
	for name, c := range map[string]struct {
		rule Rule
		want string
	}{
		"lost":               {rule(HookLost, "", 0), "answer@4"},
		"lost hangup":        {rule(HookLost, hangupHook, 0), "ring@1 answer@4"},
		"doubled":            {rule(HookDoubled, "", 0), "ring@1 ring@2 answer@4 hangup@14 hangup@15"},
		"doubled after":      {rule(HookDoubled, ringHook, time.Hour/2), "ring@1 answer@4 hangup@14 ring@1801"},
		"swapped":            {rule(HookSwapped, "", 0), "answer@4 hangup@14 ring@14"},
		"late":               {rule(HookLate, "", 0), "answer@4 ring@31 hangup@44"},
		"late ring":          {rule(HookLate, ringHook, 5*time.Second), "answer@4 ring@6 hangup@14"},
		"early":              {rule(HookEarly, ringHook, 0), "ring@1 answer@4 hangup@14"},
		"not JSON":           {rule(HookNotJSON, "", 0), "ring(no JSON)@1 answer@4 hangup(no JSON)@14"},
		"opened":             {rule(HookOpened, ringHook, 0), "GET ring@1 ring@1 answer@4 hangup@14"},
		"by GET":             {rule(HookByGET, "", 0), "GET query:ring@1 answer@4 GET query:hangup@14"},
		"of another callee":  {Rule{Name: "a", On: Hooks, Fault: HookLost, Callee: "+919800000000"}, "ring@1 answer@4 hangup@14"},
		"the first hook":     {Rule{Name: "a", On: Hooks, Fault: HookLost, First: 1}, "answer@4 hangup@14"},
		"of calls, not hook": {Rule{Name: "a", Ending: Busy}, "ring@1 hangup@4"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, got := new(publisher).play(t, Config{Timing: ordinary, Rules: []Rule{c.rule}}, testCallee)
				if said := told(began, got); said != c.want {
					t.Errorf("posted %s, want %s", said, c.want)
				}
			})
		})
	}
}

func TestARingThatIsSwappedComesAfterALateHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, got := new(publisher).play(t, Config{Timing: ordinary, Rules: []Rule{
			{Name: "ring", On: Hooks, Hook: ringHook, Fault: HookSwapped},
			{Name: "hangup", On: Hooks, Hook: hangupHook, Fault: HookLate},
		}}, testCallee)
		if said := told(began, got); said != "answer@4 hangup@44 ring@44" {
			t.Errorf("posted %s", said)
		}
	})
}

// An early hook is there, and answered, before the caller learns of its call.
func TestAnEarlyHookHoldsTheAnswerBack(t *testing.T) {
	// The hangup comes after ring (1+2 s), reaction (3 s), answer (2 s) and talk
	// (10 s), and takes 2 s itself.
	for hook, want := range map[HookKind]time.Duration{ringHook: 3 * time.Second, hangupHook: 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			slow := &publisher{answer: func(*http.Request) (*http.Response, error) {
				<-time.After(2 * time.Second)
				return reply(200, goodStream), nil
			}}
			p := overPipe(t, Config{
				Timing: ordinary, Webhooks: &http.Client{Transport: slow},
				Rules: []Rule{{Name: "early", On: Hooks, Hook: hook, Fault: HookEarly}},
			})
			began := time.Now()
			body := strings.TrimSuffix(callBody(DefaultNumber, testCallee, testAnswerURL), "}") + hooksExtra
			p.want("POST", "/sfvopi/calls", body, 201, "queued")
			if took := time.Since(began); took != want {
				t.Errorf("%s: answered after %s, want %s", hook, took, want)
			}
		})
	}
}

func TestACallerThatGivesUpDoesNotWaitForAnEarlyHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{}
		p := overPipe(t, Config{
			Timing: ordinary, Webhooks: &http.Client{Transport: publisher},
			Rules: []Rule{{Name: "early", On: Hooks, Fault: HookEarly}},
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		body := strings.TrimSuffix(callBody(DefaultNumber, testCallee, testAnswerURL), "}") + hooksExtra
		if got := p.do(ctx, "POST", "/sfvopi/calls", body); !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("got %+v", got)
		}
		<-time.After(time.Minute) // fake time
		if hooks := p.Call(testIdentity).Hooks; len(hooks) != 3 {
			t.Errorf("recorded %+v: the call goes on", hooks)
		}
	})
}

func TestTheOracleTellsWhatBecameOfEachHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		publisher := &publisher{answer: func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.String(), hangupAt) {
				return reply(503, ""), nil
			}
			return reply(200, goodStream), nil
		}}
		p, _ := publisher.play(t, Config{Timing: ordinary, Rules: []Rule{
			{Name: "ring", On: Hooks, Hook: ringHook, Fault: HookLost},
			{Name: "hangup", On: Hooks, Hook: hangupHook, Fault: HookDoubled},
		}}, testCallee)
		var said []string
		for _, hook := range p.Call(testIdentity).Hooks {
			said = append(said, fmt.Sprintf("%s/%s/%d", hook.Kind, hook.Fault, hook.Status))
		}
		if want := []string{"ring/lost/0", "answer//200", "hangup/doubled/503", "hangup/doubled/503"}; !slices.Equal(said, want) {
			t.Errorf("recorded %v, want %v", said, want)
		}
		if ring := p.Call(testIdentity).Rings[0]; ring.Ending != Completed || ring.EndedAt.Sub(ring.AcceptedAt) != 14*time.Second {
			t.Errorf("recorded %+v", ring)
		}
	})
}

func TestALostHookThatHasNoURLIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{Webhooks: &http.Client{Transport: &publisher{}}, Rules: []Rule{{Name: "lost", On: Hooks, Fault: HookLost}}})
		p.call(testCallee)
		synctest.Wait()
		if hooks := p.Call(testIdentity).Hooks; len(hooks) != 1 || hooks[0].Kind != answerHook {
			t.Errorf("recorded %+v", hooks)
		}
	})
}

func TestHookFaultByMagicCallee(t *testing.T) {
	for _, fault := range HookFaults() {
		synctest.Test(t, func(t *testing.T) {
			p, _ := new(publisher).play(t, Config{}, MagicPrefix+fault.Magic+"1")
			struck := 0
			for _, hook := range p.Oracle().Calls[0].Hooks {
				if hook.Fault == fault.Name {
					struck++
				}
			}
			want := 1 // the first hook alone
			if fault.Name == HookDoubled {
				want = 2
			}
			if struck != want {
				t.Errorf("%s: %d hooks were struck, want %d", fault.Name, struck, want)
			}
		})
	}
}

// Rates are drawn from seed and identity alone, so the same hooks are struck
// however calls interleave.
func TestHookRatesAreRepeatable(t *testing.T) {
	struck := func(seed uint64, backwards bool) string {
		lost := make([]byte, 200)
		synctest.Test(t, func(t *testing.T) {
			p := overPipe(t, Config{
				Seed: seed, Webhooks: &http.Client{Transport: &publisher{}},
				Rules: []Rule{{Name: "some", On: Hooks, Fault: HookLost, Rate: 0.3}},
			})
			callee := func(i int) string { return fmt.Sprintf("+9198123%05d", i) }
			for i := range 100 {
				if backwards {
					i = 99 - i
				}
				p.do(t.Context(), "POST", "/sfvopi/calls", strings.TrimSuffix(callBody(DefaultNumber, callee(i), testAnswerURL), "}")+hooksExtra)
			}
			synctest.Wait()
			for i := range 100 {
				for _, hook := range p.Call(Identity{DefaultOrganisation, callee(i), testAnswerURL}).Hooks {
					at := map[HookKind]int{ringHook: 0, hangupHook: 1}[hook.Kind]
					if hook.Kind != answerHook {
						lost[2*i+at] = map[bool]byte{true: 'x', false: '.'}[hook.Fault == HookLost]
					}
				}
			}
		})
		return string(lost)
	}
	first := struck(7, false)
	if n := strings.Count(first, "x"); n < 40 || n > 80 || strings.Count(first, ".") != 200-n {
		t.Errorf("%d of 200 hooks were lost, want about 60", n)
	}
	if struck(7, true) != first {
		t.Error("another order met other faults")
	}
	if struck(8, false) == first {
		t.Error("another seed met the same faults")
	}
}

func TestCloseEndsHooksThatAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{Webhooks: &http.Client{Transport: &publisher{}}, Rules: []Rule{
			{Name: "hangup", On: Hooks, Hook: hangupHook, Fault: HookLate, Delay: time.Hour},
			{Name: "ring", On: Hooks, Hook: ringHook, Fault: HookSwapped},
		}})
		p.do(t.Context(), "POST", "/sfvopi/calls", strings.TrimSuffix(callBody(DefaultNumber, testCallee, testAnswerURL), "}")+hooksExtra)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("closed after %s with %v", time.Since(began), err)
		}
	})
}

func TestHookRulesThroughTheAdminAPI(t *testing.T) {
	p := overTCP(t, Config{})
	p.admin("PUT", "/simulator/rules/late", `{"on":"hooks","hook":"hangup","fault":"late","delay":"1m30s","rate":0.5}`)
	if rules := p.Rules(); len(rules) != 1 || rules[0].Hook != hangupHook || rules[0].Delay != 90*time.Second {
		t.Errorf("put %+v", rules)
	}
	p.want("PUT", "/simulator/rules/none", `{"on":"hooks","fault":"conflict"}`, 400, "none of the hook faults")
	p.want("GET", "/simulator/hook-faults", "", 200, `"name": "swapped"`)
}
