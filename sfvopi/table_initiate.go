package sfvopi

import (
	"regexp"
	"slices"

	"github.com/ringonce/ringonce/call"
)

// initiateRows are the 500s by which the provider says that it failed to
// initiate the call. It advises to retry; but where it gives an error, a
// carrier's time-out inside it may have rung.
var initiateRows = []row{
	{
		"500 Failed to initiate outbound call", all(status(500), saysExactly("Failed to initiate outbound call")),
		refused(call.InitiateFailed, 0), "documented: retry after a few seconds",
	},
	{
		"500 Failed to initiate: a carrier reached and lost", all(status(500), either(initiating(carrierLost...), initiatingServerError)),
		unknown(call.CarrierLost, dagger), "the phone may have rung before the carrier was lost",
	},
	{
		"500 Failed to initiate: carrier not reached", all(status(500), initiating("ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH")),
		refused(call.InitiateFailed, 0), "there was no connection to a carrier",
	},
	{
		"500 Failed to initiate: no room", all(status(500), initiating("rate limit", "rate-limit", "ratelimit", "too many", "throttl", "capacity", "concurren", "channel")),
		refused(call.Capacity, slowsAccount|longDelay), "every other call of the account meets the same limit",
	},
	{
		"500 Failed to initiate: the account", all(status(500), initiating("balance", "credit", "payment", "suspended", "credentials", "not configured")),
		suspended(call.AccountBlocked), "no call of the account can pass",
	},
	{
		"500 Failed to initiate: the callee's number", all(status(500), either(
			initiating("unallocated"),
			all(initiating("invalid", "unsupported"), initiating("number")),
		)),
		rejected(call.InvalidRequest, 0), "the same request can never pass",
	},
	{
		"500 Failed to initiate: the callee may not be called", all(status(500), initiating("DND", "do not disturb", "blocked")),
		rejected(call.NotPermitted, 0), "the same request can never pass",
	},
	{
		"500 Failed to initiate: anything else", all(status(500), begins("Failed to initiate outbound call:")),
		refused(call.InitiateFailed, 0), "the provider says that it failed, and advises to retry",
	},
}

var (
	// timeOuts are spellings of one.
	timeOuts = []string{
		"timeout", "time-out", "time out", "time_out",
		"timedout", "timed-out", "timed out", "timed_out", "deadline",
	}
	// lostConnections are what network libraries say of a peer they had reached.
	lostConnections = []string{
		"ECONNRESET", "ECONNABORTED", "EPIPE", "broken pipe",
		"reset", "hang up", "hangup", "hung up", "abort", "closed", "disconnect",
	}
	// calleeReached are ends of a call that reached a phone, and of its answer
	// webhook, which runs after someone picked up.
	calleeReached = []string{
		"no answer", "no_answer", "noanswer", "not answer", "unanswered", "declin", "answer_url", "webhook",
	}
	// carrierLost is all that smells of a carrier that was reached and lost.
	carrierLost = slices.Concat(timeOuts, lostConnections, calleeReached, []string{"gateway"})
)

// serverErrorCode is a 5xx status code that stands by itself.
var serverErrorCode = regexp.MustCompile(`(^|[^0-9])5[0-9][0-9]([^0-9]|$)`)

// initiatingServerError is an error that repeats a carrier's 5xx.
func initiatingServerError(s *seen) bool { return serverErrorCode.MatchString(s.initiating) }
