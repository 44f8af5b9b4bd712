package simulator

// clientErrorFaults are the 4xx answers.
func clientErrorFaults() []Fault {
	timeout := answers("4080", "request_timeout", 408, "Request Timeout", "the request was read, and not handled")
	conflict := answers("4090", "conflict", 409, "Conflict", "undocumented; may mean \"already placed\"")
	tooMany := answers("4290", "too_many_requests", 429, "Too many requests", "rate limit, without Retry-After")
	unreadTimeout := answers("", "request_timeout_unread", 408, "Request Timeout", "answered before the body was read")
	unreadTimeout.Behaviour = AnswerUnread
	return []Fault{
		answers("4000", "number_not_linked", 400, "VoIP number {number} is not linked to any SFVoPI app for this org", "as if the link had just gone"),
		answers("4001", "bad_request", 400, "Validation failed", "any other 400"),
		page("4002", "bad_request_html", 400, "400 Bad Request", "a gateway's 400"),
		answers("4010", "unauthorized", 401, "UnAuthorized", "the five documented texts of 401"),
		answers("4011", "unauthorized_login", 401, "UnAuthorized, Please Login", ""),
		answers("4012", "unauthorized_organisation", 401, "UnAuthorized, Please Login to Organisation", ""),
		answers("4013", "unauthorized_no_key", 401, "UnAuthorized, Please Provide API Key", ""),
		answers("4014", "unauthorized_invalid_key", 401, "UnAuthorized, Please Provide Valid API Key", ""),
		contradiction("4015", "unauthorized_names_call", 401, `{"message":"UnAuthorized","data":{"request_uuid":"{request_uuid}"}}`),
		answers("4020", "payment_required", 402, "Insufficient balance", "no money"),
		answers("4030", "forbidden", 403, "Forbidden resource", "blocked"),
		page("4031", "forbidden_html", 403, "403 Forbidden", "a firewall's page"),
		answers("4040", "not_found", 404, "Cannot POST /sfvopi/calls", "wrong base URL"),
		page("4041", "not_found_html", 404, "404 Not Found", "wrong host"),
		answers("4050", "method_not_allowed", 405, "Method Not Allowed", ""),
		answers("4060", "not_acceptable", 406, "Not Acceptable", "the call went out; its answer cannot be given in the form asked for").ringing(),
		timeout,
		timeout.twin("4081"),
		unreadTimeout,
		conflict,
		conflict.twin("4091"),
		answers("4092", "already_linked", 409, "VoIP number is already linked to another SFVoPI app", "the documented 409"),
		answers("4100", "gone", 410, "Gone", "another 4xx"),
		answers("4130", "body_too_large", 413, "request entity too large", ""),
		answers("4140", "uri_too_long", 414, "URI Too Long", ""),
		answers("4150", "unsupported_media_type", 415, "Unsupported Media Type", ""),
		answers("4220", "unprocessable", 422, "Unprocessable Entity", ""),
		answers("4230", "locked", 423, "Locked", "another 4xx"),
		answers("4250", "too_early", 425, "Too Early", "not handled, by definition"),
		tooMany,
		named("4291", "too_many_requests_seconds", tooMany.header("Retry-After", "{retry_seconds}"), "Retry-After in seconds (default 2)"),
		named("4292", "too_many_requests_date", tooMany.header("Retry-After", "{retry_date}"), "Retry-After as an HTTP date (default 2 s ahead)"),
		named("4293", "too_many_requests_garbage", tooMany.header("Retry-After", "soon"), "a Retry-After that means nothing"),
		contradiction("4295", "too_many_requests_names_call", 429, `{"message":"Too many requests","call_uuid":"{request_uuid}"}`),
		page("4294", "too_many_requests_html", 429, "429 Too Many Requests", "a gateway's rate limit"),
		answers("4600", "closed_460", 460, "Client closed the connection", "a load balancer that had forwarded the request").ringing(),
		answers("4990", "closed_499", 499, "Client Closed Request", "a gateway that had forwarded the request").ringing(),
		answers("4310", "headers_too_large", 431, "Request Header Fields Too Large", ""),
	}
}

func named(magic, name string, f Fault, about string) Fault {
	f.Magic, f.Name, f.About = magic, name, about
	return f
}
