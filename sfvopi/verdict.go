package sfvopi

import "github.com/ringonce/ringonce/call"

// rule says which answers it is about, what they mean, and why.
type rule struct {
	name string
	when condition
	then verdict
	why  string
}

// verdict is what a rule makes of an answer.
type verdict struct {
	class  call.Class
	reason call.Reason
	marks  mark
}

// mark is what a rule says besides class and reason.
type mark uint8

const (
	// dagger (†): it says nothing either way, so provider.ambiguous decides.
	dagger mark = 1 << iota
	// unspent: a refusal that costs no attempt.
	unspent
	// slowsAccount: a refusal that the account's other calls would meet too.
	slowsAccount
	// feedsBreaker: a refusal or an unknown that speaks of the provider's health.
	feedsBreaker
	// mayHaveRung: a rejection from after the phone may have rung.
	mayHaveRung
	// asAsked: the delay is the one in Retry-After, if there is one. It is asked
	// of whoever calls, so it slows the account.
	asAsked
	// longDelay: the delay is CapacityRetryAfter.
	longDelay
)

var placed = verdict{class: call.Placed, reason: call.Accepted}

func refused(r call.Reason, marks mark) verdict  { return verdict{call.Refused, r, marks} }
func rejected(r call.Reason, marks mark) verdict { return verdict{call.Rejected, r, marks} }
func suspended(r call.Reason) verdict            { return verdict{call.Suspended, r, 0} }
func unknown(r call.Reason, marks mark) verdict  { return verdict{call.Unknown, r, marks} }
func (v verdict) has(m mark) bool                { return v.marks&m != 0 }

func (v verdict) outcome(s *seen) call.Outcome {
	o := call.Outcome{Class: v.class, Reason: v.reason, Status: s.Status}
	switch v.class {
	case call.Placed:
		o.RequestUUID = s.uuid()
		return o
	case call.Refused:
		o.Unspent, o.ThrottlesAccount, o.FeedsBreaker = v.has(unspent), v.has(slowsAccount), v.has(feedsBreaker)
		if v.has(asAsked) {
			o.RetryAfter = s.retryAfter
			o.ThrottlesAccount = o.ThrottlesAccount || asksToWait(s)
		}
		if v.has(longDelay) {
			o.RetryAfter = CapacityRetryAfter
		}
	case call.Rejected:
		o.MayHaveRung = v.has(mayHaveRung)
	case call.Unknown:
		o.FeedsBreaker = v.has(feedsBreaker)
	case call.Suspended:
	}
	o.Message = s.text()
	return o
}
