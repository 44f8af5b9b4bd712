package simulation

import (
	"fmt"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// outcomes counts what the calls of a run came to.
type outcomes struct {
	placed, dead, unknown, duplicates, posts int
}

// check compares the sources of a run, and returns what is wrong.
func (r *run) check() (outcomes, []string) {
	var total outcomes
	var wrong []string
	if r.lost > 0 && !r.plan.lossy {
		wrong = append(wrong, fmt.Sprintf("I2: the audit found %d calls that nothing would end", r.lost))
	}
	for _, account := range []call.Account{"default", "second"} {
		e, report, err := r.reconcileInput(account)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: the sources cannot be read: %v", account, err))
			continue
		}
		// I1 to I4: rung once, ended once, placed as rung, rung as recorded.
		result := reconcile.Check(e)
		for _, name := range result.RungTwice {
			wrong = append(wrong, fmt.Sprintf("I1 %s/%s: the phone rang twice", account, name))
		}
		for _, c := range result.Discrepancies {
			wrong = append(wrong, fmt.Sprintf("I2-I4 %s/%s", account, c))
		}
		for _, c := range report.Calls {
			total.posts += c.PostCount
			wrong = append(wrong, r.checkTimes(c)...)
		}
		wrong = append(wrong, r.checkRateLimit(string(account), report.Summary)...)
		wrong = append(wrong, r.checkPauses(report.Calls)...)
		wrong = append(wrong, r.checkSuspensions(report.Calls)...)
		if account == "default" {
			wrong = append(wrong, r.checkRefusedKeys(report.Unidentified)...)
		}
		wrong = append(wrong, r.checkUnknowns(e.Records)...)
		total.placed += result.Placed
		total.dead += result.DeadLetters()
		total.unknown += result.Unknown
		total.duplicates += result.Duplicates
	}
	return total, wrong
}

// checkTimes checks I5: no attempt before not_before, after expiry, or earlier than
// its retry delay allows.
func (r *run) checkTimes(c simulator.Call) []string {
	q, ok := r.requests[c.Organisation+" "+c.AnswerURL]
	if !ok {
		return []string{fmt.Sprintf("I5 %s: no request asked for this call", c.AnswerURL)}
	}
	var wrong []string
	claim := r.env.Config.Provider.ClaimDeadline()
	for i, p := range c.Posts {
		if p.At.Before(q.notBefore) {
			wrong = append(wrong, fmt.Sprintf("I5 %s: dialled %s before its not_before", q.name, q.notBefore.Sub(p.At)))
		}
		if !q.expiresAt.IsZero() && p.At.After(q.expiresAt.Add(claim)) {
			wrong = append(wrong, fmt.Sprintf("I5 %s: dialled %s after its expires_at", q.name, p.At.Sub(q.expiresAt)))
		}
		// The shortest delay is half the initial one, by its jitter.
		if least := r.env.Config.Retry.InitialDelay / 2; i > 0 && p.At.Sub(c.Posts[i-1].At) < least-time.Millisecond {
			wrong = append(wrong, fmt.Sprintf("I5 %s: dialled again after %s", q.name, p.At.Sub(c.Posts[i-1].At)))
		}
	}
	return wrong
}

// checkRateLimit checks I8: the calls per second of an account hold for all its
// workers together, over any second as the provider counts it.
func (r *run) checkRateLimit(account string, s simulator.Summary) []string {
	busiest := s.BusiestSecond[account]
	if r.plan.rate == 0 || float64(busiest.Posts) <= 1.05*r.plan.rate+1 {
		return nil
	}
	return []string{fmt.Sprintf("I8 %s: %d calls in the second from %s, and the limit is %.2f",
		account, busiest.Posts, busiest.From.Sub(r.began), r.plan.rate)}
}

// checkUnknowns checks I6: unknown only where the outcome really was ambiguous.
func (r *run) checkUnknowns(records []call.Record) []string {
	if r.plan.broken {
		return nil
	}
	var wrong []string
	for _, record := range records {
		request, _, err := call.DecodeRequest(record.Request, call.PossibleNumbers)
		if err != nil || record.State != call.StateUnknown {
			continue
		}
		if q := r.requests[string(record.Account)+" "+request.AnswerURL]; !q.ambiguous {
			last, _ := record.LastAttempt()
			wrong = append(wrong, fmt.Sprintf("I6 %s: unknown without need: %s %s", q.name, last.Reason, last.Message))
		}
	}
	return wrong
}
