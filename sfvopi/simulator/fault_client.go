package simulator

// clientErrorFaults are the 4xx answers.
func clientErrorFaults() []Fault {
	timeout := errorAnswer("4080", "request_timeout", 408, "Request Timeout", "the request was read, and not handled")
	conflict := errorAnswer("4090", "conflict", 409, "Conflict", "undocumented; may mean \"already placed\"")
	tooMany := errorAnswer("4290", "too_many_requests", 429, "Too many requests", "rate limit, without Retry-After")
	unreadTimeout := errorAnswer("", "request_timeout_unread", 408, "Request Timeout", "answered before the body was read")
	unreadTimeout.Behaviour = AnswerUnread
	return []Fault{
		errorAnswer("4000", "number_not_linked", 400, "VoIP number {number} is not linked to any SFVoPI app for this org", "as if the link had just gone"),
		errorAnswer("4001", "bad_request", 400, "Validation failed", "any other 400"),
		htmlError("4002", "bad_request_html", 400, "400 Bad Request", "a gateway's 400"),
		errorAnswer("4010", "unauthorized", 401, "UnAuthorized", "the five documented texts of 401"),
		errorAnswer("4011", "unauthorized_login", 401, "UnAuthorized, Please Login", ""),
		errorAnswer("4012", "unauthorized_organisation", 401, "UnAuthorized, Please Login to Organisation", ""),
		errorAnswer("4013", "unauthorized_no_key", 401, "UnAuthorized, Please Provide API Key", ""),
		errorAnswer("4014", "unauthorized_invalid_key", 401, "UnAuthorized, Please Provide Valid API Key", ""),
		contradiction("4015", "unauthorized_names_call", 401, `{"message":"UnAuthorized","data":{"request_uuid":"{request_uuid}"}}`),
		errorAnswer("4020", "payment_required", 402, "Insufficient balance", "no money"),
		errorAnswer("4030", "forbidden", 403, "Forbidden resource", "blocked"),
		htmlError("4031", "forbidden_html", 403, "403 Forbidden", "a firewall's page"),
		errorAnswer("4040", "not_found", 404, "Cannot POST /sfvopi/calls", "wrong base URL"),
		htmlError("4041", "not_found_html", 404, "404 Not Found", "wrong host"),
		errorAnswer("4050", "method_not_allowed", 405, "Method Not Allowed", ""),
		errorAnswer("4060", "not_acceptable", 406, "Not Acceptable", "the call went out; its answer cannot be given in the form asked for").afterRing(),
		timeout,
		timeout.rangVariant("4081"),
		unreadTimeout,
		conflict,
		conflict.rangVariant("4091"),
		errorAnswer("4092", "already_linked", 409, "VoIP number is already linked to another SFVoPI app", "the documented 409"),
		errorAnswer("4100", "gone", 410, "Gone", "another 4xx"),
		errorAnswer("4130", "body_too_large", 413, "request entity too large", ""),
		errorAnswer("4140", "uri_too_long", 414, "URI Too Long", ""),
		errorAnswer("4150", "unsupported_media_type", 415, "Unsupported Media Type", ""),
		errorAnswer("4220", "unprocessable", 422, "Unprocessable Entity", ""),
		errorAnswer("4230", "locked", 423, "Locked", "another 4xx"),
		errorAnswer("4250", "too_early", 425, "Too Early", "not handled, by definition"),
		tooMany,
		named("4291", "too_many_requests_seconds", tooMany.withHeader("Retry-After", "{retry_seconds}"), "Retry-After in seconds (default 2)"),
		named("4292", "too_many_requests_date", tooMany.withHeader("Retry-After", "{retry_date}"), "Retry-After as an HTTP date (default 2 s ahead)"),
		named("4293", "too_many_requests_garbage", tooMany.withHeader("Retry-After", "soon"), "a Retry-After that means nothing"),
		contradiction("4295", "too_many_requests_names_call", 429, `{"message":"Too many requests","call_uuid":"{request_uuid}"}`),
		htmlError("4294", "too_many_requests_html", 429, "429 Too Many Requests", "a gateway's rate limit"),
		errorAnswer("4600", "closed_460", 460, "Client closed the connection", "a load balancer that had forwarded the request").afterRing(),
		errorAnswer("4990", "closed_499", 499, "Client Closed Request", "a gateway that had forwarded the request").afterRing(),
		errorAnswer("4310", "headers_too_large", 431, "Request Header Fields Too Large", ""),
	}
}

func named(magic, name string, f Fault, about string) Fault {
	f.Magic, f.Name, f.About = magic, name, about
	return f
}
