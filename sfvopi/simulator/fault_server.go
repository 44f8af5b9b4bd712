package simulator

// serverErrorFaults are 5xx answers in the provider's own envelope.
func serverErrorFaults() []Fault {
	unhandled := errorAnswer("5002", "internal_error", 500, "Internal server error", "an unhandled exception before the dial")
	badGateway := errorAnswer("5028", "bad_gateway", 502, "Bad Gateway", "502 with a text that is not about the answer_url")
	storage := errorAnswer("5070", "insufficient_storage", 507, "Insufficient Storage", "another 5xx")
	unavailable := errorAnswer("5030", "unavailable", 503, "Service Unavailable", "503 in the envelope")
	return []Fault{
		errorAnswer("5000", "service_temporarily_unavailable", 500, "Service temporarily unavailable", "the documented transient error (a 500, not a 503)"),
		errorAnswer("5001", "initiate_failed", 500, "Failed to initiate outbound call", "the documented \"retry after a few seconds\""),
		unhandled,
		unhandled.rangVariant("5003"),
		withError("5004", "get_app_by_number_failed", "Failed to get app by number: {error}", "connection pool exhausted", "a look-up failed before the dial"),
		withError("5005", "get_app_failed", "Failed to get SFVoPI app: {error}", "connection pool exhausted", "a look-up failed before the dial"),
		errorAnswer("5010", "not_implemented", 501, "Not Implemented", ""),
		badGateway,
		badGateway.rangVariant("5029"),
		unavailable,
		unavailable.rangVariant("5038"),
		named("5031", "unavailable_seconds", unavailable.withHeader("Retry-After", "{retry_seconds}"), "503 in the envelope with Retry-After in seconds"),
		named("5032", "unavailable_date", unavailable.withHeader("Retry-After", "{retry_date}"), "503 in the envelope with Retry-After as an HTTP date"),
		storage,
		storage.rangVariant("5071"),
		errorAnswer("5310", "overloaded", 500, "The service is overloaded", "declares itself not handled"),
		errorAnswer("5311", "maintenance", 500, "The service is under maintenance", "declares itself not handled"),
		errorAnswer("5312", "currently_unavailable", 500, "Our service is currently unavailable, please try again later.", "declares itself not handled"),
		errorAnswer("5313", "try_again", 500, "Something went wrong, please try again later", "what gateways say: no declaration").afterRing(),
		errorAnswer("5314", "subscriber_unavailable", 500, "Subscriber is temporarily unavailable", "said after ringing").afterRing(),
		contradiction("5320", "unavailable_names_call", 500, `{"data":{"request_uuid":"{request_uuid}"},"message":"Service temporarily unavailable"}`),
		contradiction("5321", "unavailable_bytes_behind", 500, `{"message":"Service temporarily unavailable"}{"data":{"request_uuid":"{request_uuid}"}}`),
	}
}

// initiateFaults are 500 "Failed to initiate outbound call: {error}", where the
// error alone tells whether a carrier may have been reached.
func initiateFaults() []Fault {
	const message = "Failed to initiate outbound call: {error}"
	lost := func(magic, name, reason string) Fault {
		return withError(magic, "initiate_"+name, message, reason, "the carrier was reached and lost; the phone rang").afterRing()
	}
	not := func(magic, name, reason, about string) Fault {
		return withError(magic, "initiate_"+name, message, reason, about)
	}
	const (
		unreached = "the carrier was never reached"
		full      = "no room; wait longer"
		account   = "the account cannot call"
		callee    = "this callee cannot be called"
	)
	return []Fault{
		lost("5400", "timeout", "timeout of 10000ms exceeded"),
		lost("5401", "timed_out", "Request timed out"),
		lost("5402", "etimedout", "connect ETIMEDOUT 10.0.0.7:443"),
		lost("5403", "esockettimedout", "ESOCKETTIMEDOUT"),
		lost("5404", "econnreset", "read ECONNRESET"),
		lost("5405", "econnaborted", "ECONNABORTED"),
		lost("5406", "epipe", "write EPIPE"),
		lost("5407", "reset", "Connection reset by peer"),
		lost("5408", "hang_up", "socket hang up"),
		lost("5409", "aborted", "request aborted"),
		lost("5410", "closed", "Connection closed before the answer"),
		lost("5411", "gateway", "Bad Gateway"),
		lost("5412", "status_code", "Request failed with status code 504"),
		not("5413", "timeout_silent", "timeout of 10000ms exceeded", "the same text where the carrier never rang the phone"),
		lost("5414", "busy", "user busy"),
		lost("5415", "no_answer", "no-answer"),
		lost("5416", "terminated", "487 Request Terminated"),
		lost("5417", "voicemail", "voicemail"),
		lost("5418", "not_saved", "failed to save call"),
		not("5420", "econnrefused", "connect ECONNREFUSED 10.0.0.7:443", unreached),
		not("5421", "enotfound", "getaddrinfo ENOTFOUND carrier.internal", unreached),
		not("5422", "eai_again", "getaddrinfo EAI_AGAIN carrier.internal", unreached),
		not("5423", "ehostunreach", "connect EHOSTUNREACH 10.0.0.7:443", unreached),
		not("5424", "carrier_400", "Request failed with status code 400", "the carrier did not take the request"),
		not("5430", "rate_limit", "Rate limit exceeded", full),
		not("5431", "too_many", "Too many requests", full),
		not("5432", "carrier_429", "Request failed with status code 429", full),
		not("5433", "capacity", "No capacity", full),
		not("5434", "concurrency", "Concurrency limit reached", full),
		not("5435", "channel", "No channels available", full),
		not("5440", "balance", "Insufficient balance", account),
		not("5441", "credit", "Insufficient credit", account),
		not("5442", "payment", "Payment required", account),
		not("5443", "suspended", "Account suspended", account),
		not("5444", "credentials", "Invalid credentials", account),
		not("5445", "not_configured", "Not configured", account),
		not("5450", "invalid_number", "Invalid number", callee),
		not("5451", "unsupported_number", "Unsupported number", callee),
		not("5452", "unallocated", "Unallocated", callee),
		not("5453", "dnd", "DND", callee),
		not("5454", "blocked", "Blocked", callee),
		not("5460", "other", "Carrier refused the call", "any other error"),
	}
}

// webhookFaults are the 502s about the answer webhook. It runs after the callee
// picked up, so each of them rang.
func webhookFaults() []Fault {
	answered := func(magic, name, message, reason, about string) Fault {
		f := errorAnswer(magic, name, 502, message, about).afterRing()
		f.Error, f.ending = reason, Failed
		return f
	}
	return []Fault{
		answered("5020", "answer_url_both_failed", "Both answer_url and fallback_answer_url failed", "", "the callee picked up; then the answer webhook failed"),
		answered("5021", "answer_url_schema", "Webhook response failed schema validation", "", ""),
		answered("5022", "answer_url_timeout", "answer_url timeout", "", ""),
		answered("5023", "answer_url_status", "answer_url returned HTTP {status}", "", "{status} is 503 unless the rule says otherwise"),
		answered("5024", "answer_url_connection", "answer_url connection failed: {error}", "connect ECONNREFUSED 192.0.2.10:443", ""),
		answered("5025", "answer_url_invalid", "Invalid webhook response from answer_url", "", ""),
	}
}

// contradiction refuses a call, and names it.
func contradiction(magic, name string, status int, body string) Fault {
	f := connectionFault(magic, name, Answer, status, body, "refused, and yet it names the call that rings").afterRing()
	return f.withHeader("Content-Type", jsonType[0])
}

// withError is a 500 whose message ends in the reason.
func withError(magic, name, message, reason, about string) Fault {
	f := errorAnswer(magic, name, 500, message, about)
	f.Error = reason
	return f
}
