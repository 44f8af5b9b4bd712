package sfvopi

import (
	"slices"

	"github.com/ringonce/ringonce/call"
)

// table says what each answer to POST /sfvopi/calls means. Rows are tried in
// order and the first that matches decides.
//
// The one rule behind it: a call is dialled again only with proof that none
// went out. So refused is an allow-list, and a row about what may have been
// passed on stands before one about what declares itself not handled.
var table = slices.Concat(transportRows, clientErrorRows, initiateRows, serverErrorRows)

// everythingElse is what no row knows. It may have rung.
var everythingElse = unknown(call.BadAnswer, 0)

// transportRows are about whether there was an answer, and to what.
var transportRows = []row{
	{
		"2xx with data.request_uuid", all(hundred(2), namesCall),
		placed, "whatever data.status says",
	},
	{
		"2xx without it, malformed, empty or HTML", hundred(2),
		unknown(call.BadAnswer, 0), "the contract changed, or something in between answers",
	},
	{
		"any other status that names a call", namesCall,
		unknown(call.BadAnswer, 0), "a call that has a name may have gone out",
	},

	{
		"given up before anything was written", all(noAnswerAtAll, nothingWritten, failed(WasInterrupted)),
		refused(call.Interrupted, unspent), "nothing was sent",
	},
	{
		"certificate invalid", all(noAnswerAtAll, nothingWritten, failed(NotTrusted)),
		suspended(call.CertificateInvalid), "never fall back to insecure",
	},
	{
		"no connection, or an error before the first byte", all(noAnswerAtAll, nothingWritten),
		refused(call.NotSent, feedsBreaker), "nothing was sent",
	},

	{
		"no answer in time, after the first byte", failed(NotInTime),
		unknown(call.TimedOut, dagger|feedsBreaker), "the classic double dial",
	},
	{
		"reset or closed after the first byte", all(noAnswerAtAll, failed(ConnectionCut)),
		unknown(call.ConnectionLost, dagger|feedsBreaker), "the classic double dial",
	},
	{
		"not HTTP, too large, or cut short", either(noAnswerAtAll, unfinished),
		unknown(call.BadAnswer, dagger|feedsBreaker), "what it was going to say is not known",
	},

	{
		"3xx", hundred(3),
		suspended(call.Redirected), "a followed redirect resends the key and the call elsewhere",
	},
}

// clientErrorRows are the 4xx.
var clientErrorRows = []row{
	{
		"400 number not linked", all(status(400), says("is not linked to any SFVoPI app")),
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
		"404, 405, 406, 415, 501", status(404, 405, 406, 415, 501),
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
		"408 after the whole request was written", status(408),
		unknown(call.Ambiguous, dagger|feedsBreaker), "some gateways say it after forwarding",
	},
	{
		"409 already linked", all(status(409), says("already linked")),
		rejected(call.NotPermitted, 0), "the documented 409 of another path; it is about the number",
	},
	{
		"409", status(409),
		unknown(call.Ambiguous, 0), "undocumented here; it may mean already placed",
	},
	{
		"429", status(429),
		refused(call.RateLimited, unspent|slowsAccount|asAsked), "not handled; the dispatcher doubles the delay if none is given",
	},
	{
		"other 4xx", hundred(4),
		rejected(call.NotPermitted, 0), "the same request can never pass",
	},
}

// serverErrorRows are the 5xx, but for what failed to initiate the call.
var serverErrorRows = []row{
	{
		"500 Service temporarily unavailable", all(status(500), saysExactly("Service temporarily unavailable")),
		refused(call.ServiceUnavailable, feedsBreaker|asAsked), "documented as transient",
	},
	{
		"502 about the answer webhook", all(status(502), says(webhookTexts...)),
		rejected(call.WebhookFailed, mayHaveRung), "it runs after the callee picked up: a redial rings that person again",
	},
	{
		"any other 5xx about the answer webhook", all(hundred(5), says("answer_url", "webhook")),
		unknown(call.Ambiguous, 0), "not as documented, and for the same reason it may have rung",
	},
	{
		"5xx whose look-up failed", all(hundred(5), begins("Failed to get app by number:", "Failed to get SFVoPI app:")),
		refused(call.ServiceUnavailable, feedsBreaker|asAsked), "look-ups precede dialling",
	},
	{
		"5xx about a time-out or a lost connection", all(hundred(5), says(slices.Concat(timeOuts, lostConnections)...)),
		unknown(call.Ambiguous, dagger|feedsBreaker), "whatever else it declares, something was reached and lost",
	},
	{
		"5xx that declares itself not handled", all(hundred(5), says(notHandledTexts...)),
		refused(call.ServiceUnavailable, feedsBreaker|asAsked), "in the style of the documented one",
	},
	{
		"503 with the envelope, or with Retry-After", all(status(503), either(enveloped, asksToWait)),
		refused(call.ServiceUnavailable, feedsBreaker|asAsked), "declared not handled",
	},
	{
		"other 500 with the envelope", all(status(500), enveloped),
		unknown(call.Ambiguous, dagger|feedsBreaker), "an unhandled exception may have come after the dial",
	},
	{
		"500, 502, 503, 504 without the envelope", all(status(500, 502, 503, 504), not(enveloped)),
		unknown(call.Ambiguous, dagger|feedsBreaker), "a gateway's page: it may have passed the request on",
	},
	{
		"521, 523, 525, 526", status(521, 523, 525, 526),
		refused(call.OriginUnreachable, feedsBreaker), "the origin was not reached",
	},
	{
		"520, 522, 524 and other 5xx", hundred(5),
		unknown(call.Ambiguous, dagger|feedsBreaker), "the origin may have been reached",
	},
}

// webhookTexts are the documented errors of the answer webhook.
var webhookTexts = []string{
	"Both answer_url and fallback_answer_url failed",
	"Webhook response failed schema validation",
	"answer_url timeout",
	"answer_url returned HTTP",
	"answer_url connection failed",
	"Invalid webhook response from answer_url",
}

// notHandledTexts declare that the provider did not take the request up.
var notHandledTexts = []string{
	"temporarily unavailable", "unavailable", "overloaded", "maintenance", "too many", "try again",
}
