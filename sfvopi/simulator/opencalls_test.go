package simulator

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpenCallsAreCountedFromAcceptanceToHangup(t *testing.T) {
	for name, webhooks := range map[string]*http.Client{"with hooks": {Transport: &publisher{}}, "without": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := overPipe(t, Config{Timing: ordinary, Webhooks: webhooks})
				place := func(from string, i int) {
					p.do(t.Context(), "POST", "/sfvopi/calls", callBody(from, fmt.Sprintf("+9198123%05d", i), testAnswerURL))
				}
				want := func(now, most int) {
					t.Helper()
					synctest.Wait()
					if got := p.Open(DefaultOrganisation); got.Now != now || got.Max != most {
						t.Errorf("%d are open and %d at most, want %d and %d", got.Now, got.Max, now, most)
					}
				}
				want(0, 0)
				place(DefaultNumber, 1)
				<-time.After(5 * time.Second) // fake time, from here on
				place(DefaultNumber, 2)
				place("+912071531002", 3)
				p.rule(Rule{Name: "refused", Fault: "internal_error", Callee: "+919812300004"})
				p.rule(Rule{Name: "lost", Fault: "answer_lost_close", Callee: "+919812300005"})
				place(DefaultNumber, 4) // refused: not open
				place(DefaultNumber, 5) // its answer is lost: open
				want(4, 4)
				<-time.After(8 * time.Second)
				want(4, 4)
				<-time.After(time.Second)
				want(3, 4)
				if ids := p.Open(DefaultOrganisation).CallerIDs; ids[DefaultNumber] != (OpenCount{2, 3}) || ids["+912071531002"] != (OpenCount{1, 1}) {
					t.Errorf("by caller ID: %+v", ids)
				}
				p.Reset()
				want(3, 3)
				<-time.After(time.Minute)
				want(0, 3)
				if n := p.Oracle().Summary.Identities; n != 0 {
					t.Errorf("after the reset, %d identities came back", n)
				}
			})
		})
	}
}

// The count falls before the hook that tells of it: who frees a slot by the hook
// never finds the provider fuller than itself.
func TestACallIsOverBeforeItsHangupHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *provider
		open := make(chan int, 1)
		publisher := &publisher{answer: func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.String(), hangupAt) {
				open <- p.Open(DefaultOrganisation).Now
			}
			return reply(200, goodStream), nil
		}}
		p = overPipe(t, Config{Timing: ordinary, Webhooks: &http.Client{Transport: publisher}})
		p.do(t.Context(), "POST", "/sfvopi/calls", strings.TrimSuffix(callBody(DefaultNumber, testCallee, testAnswerURL), "}")+hooksExtra)
		if n := <-open; n != 0 {
			t.Errorf("%d calls were open at the hangup hook", n)
		}
	})
}

func TestCallsBrokenOffAreOpenNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := overPipe(t, Config{Timing: Timing{Duration: time.Hour}})
		p.call(testCallee)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); err == nil {
			t.Error("the call ended within a second")
		}
		if got := p.Open(DefaultOrganisation); got.Now != 0 || got.Max != 1 {
			t.Errorf("%+v", got)
		}
		if ring := p.Call(testIdentity).Rings[0]; ring.Ending != "" || !ring.EndedAt.IsZero() {
			t.Errorf("it ended as %+v", ring)
		}
	})
}

func TestOpenCallsInTheReport(t *testing.T) {
	p := overTCP(t, Config{})
	p.call(testCallee)
	p.call("+919812345679")
	p.want("GET", "/simulator/oracle/summary", "", 200, `"max_open": 1`)
	if open := p.Oracle().Summary.Open[DefaultOrganisation]; open.Now != 0 || open.Max != 1 {
		t.Errorf("calls that end at once are never open together: %+v", open)
	}
}
