package simulation

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	// propagation is how long a stop may take to be known to every worker.
	propagation = time.Second
	// minSuspension is the least that a suspension lasts which no probe can lift.
	minSuspension = time.Minute
)

// interval is a time in which an account, or all of them, may not be dialled.
type interval struct {
	account  string // empty is all
	from, to time.Time
}

func (s interval) covers(account string, at time.Time) bool {
	return (s.account == "" || s.account == account) && at.After(s.from.Add(propagation)) && at.Before(s.to)
}

// pauses are operators who pause accounts for a while.
func (p *plan) pauses(r *rand.Rand) {
	for range r.IntN(3) {
		at, long := p.window(r, 3*time.Minute)
		account := pick(r, "default", "second", "")
		p.add(at, fmt.Sprintf("account %q is paused", account), func(run *run) { run.pause(account) })
		p.add(at+long, fmt.Sprintf("account %q is resumed", account), func(run *run) { run.resume(account) })
	}
}

// pause pauses an account, if the broker is up.
func (r *run) pause(account string) {
	err := control.New(r.env.Conn, r.env.Log).Pause(context.Background(), call.Account(account), call.Pause{By: "operator", Why: "the plan says so"})
	if err != nil {
		r.logf("not paused: %v", err)
		return
	}
	r.paused = append(r.paused, interval{account: account, from: time.Now()})
}

// resume ends every pause of an account. If the broker is
// down, they go on until everything is repaired.
func (r *run) resume(account string) {
	// A resumption is known to some workers before it is known to us.
	began := time.Now()
	if err := control.New(r.env.Conn, r.env.Log).Resume(context.Background(), call.Account(account)); err != nil {
		r.logf("not resumed: %v", err)
		return
	}
	for i := range r.paused {
		if p := &r.paused[i]; p.account == account && p.to.IsZero() {
			p.to = began
		}
	}
}

// checkPauses checks I7: no attempt while a pause was in force.
func (r *run) checkPauses(calls []simulator.Call) []string {
	var wrong []string
	for _, c := range calls {
		for _, p := range c.Posts {
			for _, s := range r.paused {
				if s.covers(c.Organisation, p.At) {
					wrong = append(wrong, fmt.Sprintf("I7 %s/%s: dialled %s after the account was paused",
						c.Organisation, c.AnswerURL, p.At.Sub(s.from)))
				}
			}
		}
	}
	return wrong
}

// checkSuspensions checks I5: no attempt while the account was suspended.
// Where workers or the broker are broken, the flag may not have reached them;
// and no worker knows of it before the provider has answered. What was on its way
// then is answered while the account is suspended, which makes that no longer.
func (r *run) checkSuspensions(calls []simulator.Call) []string {
	if r.plan.broken {
		return nil
	}
	type attempt struct {
		simulator.Post
		to string
	}
	var attempts []attempt
	for _, c := range calls {
		for _, p := range c.Posts {
			attempts = append(attempts, attempt{p, c.AnswerURL})
		}
	}
	slices.SortFunc(attempts, func(a, b attempt) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	var wrong []string
	var since time.Time // the present suspension, or the last one
	for _, a := range attempts {
		if after := a.At.Sub(since); !since.IsZero() && after > propagation && after < minSuspension {
			wrong = append(wrong, fmt.Sprintf("I5 %s: dialled %s after the account was suspended", a.to, after))
		}
		if a.Result == "unauthorized" || !slices.Contains(suspendingFaults, a.Result) {
			continue // a refused key is probed, and found accepted at once
		}
		if at := r.answeredAt(a.At); at.Before(since) || !at.Before(since.Add(minSuspension)) {
			since = at
		}
	}
	return wrong
}

// checkRefusedKeys checks I5 for a key that the provider no longer takes:
// those attempts cannot be attributed to an account.
func (r *run) checkRefusedKeys(unidentified []simulator.Post) []string {
	if r.plan.broken {
		return nil
	}
	var wrong []string
	for _, s := range r.refused {
		var first time.Time
		for _, p := range unidentified {
			if p.At.Before(s.from) || !p.At.Before(s.to) {
				continue
			}
			if first.IsZero() {
				first = r.answeredAt(p.At)
			}
			if after := p.At.Sub(first); after > propagation {
				wrong = append(wrong, fmt.Sprintf("I5: dialled %s after the key was refused", after))
			}
		}
	}
	return wrong
}
