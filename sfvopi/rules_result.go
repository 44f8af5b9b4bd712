package sfvopi

import "github.com/ringonce/ringonce/call"

// rule says which responses it matches, what they mean, and why.
type rule struct {
	name string
	when condition
	then result
	why  string
}

// result is what a rule decides.
type result struct {
	class  call.Class
	reason call.Reason
	flags  flag
}

// flag qualifies a result.
type flag uint8

const (
	// teamDecides: the response proves nothing, so provider.ambiguous decides.
	teamDecides flag = 1 << iota
	// unspent: a refusal that costs no attempt.
	unspent
	// throttlesAccount: a refusal that the account's other calls would get too.
	throttlesAccount
	// feedsBreaker: a refusal or an unknown that indicates the provider's health.
	feedsBreaker
	// mayHaveRung: a rejection that came after the phone may have rung.
	mayHaveRung
	// honorRetryAfter: the delay is that of Retry-After, if there is one. It
	// applies to every caller, so it throttles the account.
	honorRetryAfter
	// capacityDelay: the delay is CapacityRetryAfter.
	capacityDelay
)

var placed = result{class: call.Placed, reason: call.Accepted}

func refused(r call.Reason, flags flag) result  { return result{call.Refused, r, flags} }
func rejected(r call.Reason, flags flag) result { return result{call.Rejected, r, flags} }
func suspended(r call.Reason) result            { return result{call.Suspended, r, 0} }
func unknown(r call.Reason, flags flag) result  { return result{call.Unknown, r, flags} }
func (r result) has(m flag) bool                { return r.flags&m != 0 }

func (r result) outcome(p *parsed) call.Outcome {
	o := call.Outcome{Class: r.class, Reason: r.reason, Status: p.Status}
	switch r.class {
	case call.Placed:
		o.RequestUUID = p.uuid()
		return o
	case call.Refused:
		o.Unspent, o.ThrottlesAccount, o.FeedsBreaker = r.has(unspent), r.has(throttlesAccount), r.has(feedsBreaker)
		if r.has(honorRetryAfter) {
			o.RetryAfter = p.retryAfter
			o.ThrottlesAccount = o.ThrottlesAccount || hasRetryAfter(p)
		}
		if r.has(capacityDelay) {
			o.RetryAfter = CapacityRetryAfter
		}
	case call.Rejected:
		o.MayHaveRung = r.has(mayHaveRung)
	case call.Unknown:
		o.FeedsBreaker = r.has(feedsBreaker)
	case call.Suspended:
	}
	o.Message = p.messageText()
	return o
}
