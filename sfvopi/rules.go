package sfvopi

import (
	"slices"

	"github.com/ringonce/ringonce/call"
)

// rules say what each response to POST /sfvopi/calls means. The first that matches
// decides.
//
// The principle: a call is dialled again only with proof that none went out. So
// refused is an allow-list. A suspension lifts by time, and then the call is dialled
// again, so it needs the same proof.
var rules = slices.Concat(
	transportRules, successRules, redirectRules, clientErrorRules,
	webhookRules, declaredRules, initiateRules, serverErrorRules,
)

// noRuleMatched is the result without a matching rule: it may have rung.
var noRuleMatched = unknown(call.BadAnswer, feedsBreaker)

// contradicted is the result of a refusal, a suspension or a result with the flag
// teamDecides when the response also names a call, cannot be read, or is followed by
// bytes: it contradicts itself and proves nothing, whatever provider.ambiguous says.
func contradicted(s *parsed, v result) result {
	reason := call.BadAnswer
	if s.Failure == Timeout {
		reason = call.TimedOut
	}
	return unknown(reason, v.flags&feedsBreaker)
}

// notDialled is the result of a message that provider.not_dialled lists.
var notDialled = refused(call.NotHandled, 0)

// transportRules match attempts without a status.
var transportRules = []rule{
	{
		"given up before anything was written", all(noStatus, noneWritten, failed(Interrupted)),
		refused(call.Interrupted, unspent), "nothing was sent",
	},
	{
		"certificate invalid", all(noStatus, noneWritten, failed(NotTrusted)),
		suspended(call.CertificateInvalid), "never fall back to insecure",
	},
	{
		"out of file descriptors, ports or memory", all(noStatus, noneWritten, failed(OutOfResources)),
		refused(call.OutOfResources, unspent), "nothing was sent; it says nothing about the provider",
	},
	{
		"no connection, or an error before the first byte", all(noStatus, noneWritten),
		refused(call.NotSent, feedsBreaker), "nothing was sent",
	},
	{
		"no answer in time, after the first byte", all(noStatus, failed(Timeout)),
		unknown(call.TimedOut, teamDecides|feedsBreaker), "the classic double dial",
	},
	{
		"reset or closed after the first byte", all(noStatus, failed(ConnectionLost)),
		unknown(call.ConnectionLost, teamDecides|feedsBreaker), "the classic double dial",
	},
	{
		"the answer is not HTTP", noStatus,
		unknown(call.BadAnswer, teamDecides|feedsBreaker), "what it was going to say is not known",
	},
}

var successRules = []rule{
	{
		"2xx with data.request_uuid", all(statusClass(2), hasRequestUUID),
		placed, "whatever data.status says",
	},
	{
		"2xx without it, malformed, empty or HTML", statusClass(2),
		unknown(call.BadAnswer, feedsBreaker), "the contract changed, or something in between answers",
	},
}

// redirectRules: no redirect is followed.
var redirectRules = []rule{
	{
		"307, 308", status(307, 308),
		suspended(call.Redirected), "by definition not handled here; a followed redirect resends the key and the call elsewhere",
	},
	{
		"any other 3xx", statusClass(3),
		unknown(call.Ambiguous, teamDecides), "303 is how many servers answer a POST that succeeded",
	},
}

var clientErrorRules = []rule{
	{
		"400 number not linked", all(status(400), messageContains("is not linked to any SFVoPI app")),
		rejected(call.NumberNotLinked, 0), "permanent until someone links it",
	},
	{
		"any other 400, 413, 414, 422, 431", status(400, 413, 414, 422, 431),
		rejected(call.InvalidRequest, 0), "the same request can never pass",
	},
	{
		"401", status(401),
		suspended(call.Unauthorized), "every call with this key fails",
	},
	{
		"402", status(402),
		suspended(call.PaymentRequired), "no money",
	},
	{
		"403", status(403),
		suspended(call.Forbidden), "blocked",
	},
	{
		"404, 405, 415, 501", status(404, 405, 415, 501),
		suspended(call.EndpointMissing), "on this path they mean a wrong base URL",
	},
	{
		"425", status(425),
		refused(call.NotHandled, 0), "not handled, by definition",
	},
	{
		"408 before the whole request was written", all(status(408), not(wholeWritten)),
		refused(call.NotHandled, 0), "not handled, by definition",
	},
	{
		"406, 408 after the whole request was written, 460, 499", status(406, 408, 460, 499),
		unknown(call.Ambiguous, teamDecides), "said after the work, or after forwarding",
	},
	{
		"409 already linked", all(status(409), messageContains("already linked")),
		rejected(call.NotPermitted, 0), "the documented 409 of another path; it is about the number",
	},
	{
		"409", status(409),
		unknown(call.Ambiguous, 0), "undocumented here; it may mean already placed",
	},
	{
		"429", status(429),
		refused(call.RateLimited, unspent|throttlesAccount|honorRetryAfter), "not handled; the dispatcher doubles the delay if none is given",
	},
	{
		"other 4xx", statusClass(4),
		rejected(call.NotPermitted, 0), "the same request can never pass",
	},
}

// webhookRules are about the answer webhook, which runs after the callee picked
// up: a redial rings that person again.
var webhookRules = []rule{
	{
		"502 about the answer webhook", all(status(502), messageContains(webhookTexts...)),
		rejected(call.WebhookFailed, mayHaveRung), "the documented texts",
	},
	{
		"any other 5xx about the answer webhook", all(statusClass(5), mentionsWebhook),
		unknown(call.Ambiguous, 0), "not as documented, and for the same reason it may have rung",
	},
}

var webhookTexts = []string{
	"Both answer_url and fallback_answer_url failed",
	"Webhook response failed schema validation",
	"answer_url timeout",
	"answer_url returned HTTP",
	"answer_url connection failed",
	"Invalid webhook response from answer_url",
}

// declaredRules match texts by which the provider's own application says that it did
// not handle the request. Each must match the whole message.
var declaredRules = []rule{
	{
		"5xx that declares itself not handled", all(statusClass(5), messageMatches(
			`((the|our) )?((voice|calling) )?service (is )?(temporarily|currently) unavailable(([.,;:!]| [-–—])? please (try again( later)?|retry))?\.?`,
			`the service is (overloaded|under maintenance)\.?`,
		)),
		refused(call.ServiceUnavailable, feedsBreaker|honorRetryAfter), "the documented 500, and its style",
	},
	{
		"5xx whose look-up failed", all(statusClass(5), lookupFailed),
		refused(call.ServiceUnavailable, feedsBreaker|honorRetryAfter), "look-ups precede dialling",
	},
}

// initiateRules match 500s by which the provider says that it failed to initiate the
// call. The words after the colon are a carrier's.
var initiateRules = []rule{
	{
		"500 Failed to initiate outbound call", all(status(500), messageMatches(`failed to initiate outbound call`)),
		refused(call.InitiateFailed, 0), "documented: retry after a few seconds",
	},
	{
		"500 Failed to initiate: no connection", all(status(500), initiateErrorMatches(
			`((connect|getaddrinfo) )?(econnrefused|enotfound|eai_again|ehostunreach|enetunreach|enetdown)( localhost| [a-z0-9_\[\]-]*[.:][a-z0-9._:\[\]-]*[a-z0-9\]])?`,
			`(getaddrinfo )?(enotfound|eai_again) [a-z0-9_-]+`,
			`request failed with status code (400|404|422)`,
		)),
		refused(call.InitiateFailed, 0), "the carrier was not reached, or did not take the request",
	},
	{
		"500 Failed to initiate: no room", all(status(500), initiateErrorMatches(
			`request failed with status code (429|503)`,
			`(rate )?limit exceeded`, `too many requests`, `no channels available`, `no capacity`, `concurrency limit reached`,
		)),
		refused(call.Capacity, throttlesAccount|capacityDelay), "every other call of the account meets the same limit",
	},
	{
		"500 Failed to initiate: the account", all(status(500), initiateErrorMatches(
			`request failed with status code (401|402|403)`,
			`insufficient (balance|credits?|balance or credits?)`, `payment required`, `account suspended`, `invalid credentials`, `not configured`,
		)),
		suspended(call.AccountBlocked), "no call of the account can pass",
	},
	{
		"500 Failed to initiate: the callee's number", all(status(500), initiateErrorMatches(
			`(invalid|unsupported|invalid or unsupported)( phone)? number`, `unallocated( number)?`,
		)),
		rejected(call.InvalidRequest, 0), "the same request can never pass",
	},
	{
		"500 Failed to initiate: the callee may not be called", all(status(500), initiateErrorMatches(`dnd`, `blocked`)),
		rejected(call.NotPermitted, 0), "the same request can never pass",
	},
	{
		"500 Failed to initiate: anything else", all(status(500), messageHasPrefix("failed to initiate outbound call:")),
		unknown(call.CarrierLost, teamDecides), "user busy, no answer, socket hang up: a phone may have rung",
	},
}

var serverErrorRules = []rule{
	{
		"503 with the envelope and Retry-After", all(status(503), enveloped, hasRetryAfter),
		refused(call.ServiceUnavailable, feedsBreaker|honorRetryAfter), "declared not handled, by an application that knows when it will be",
	},
	{
		"any other 5xx with the envelope", all(statusClass(5), enveloped),
		unknown(call.Ambiguous, teamDecides), "an unhandled exception may have come after the dial; it speaks of that call, not of the provider",
	},
	{
		"521, 523, 525, 526", status(521, 523, 525, 526),
		refused(call.OriginUnreachable, feedsBreaker), "the origin was not reached",
	},
	{
		"every other 5xx", statusClass(5),
		unknown(call.Ambiguous, teamDecides|feedsBreaker), "a gateway's page: it may have passed the request on",
	},
}
