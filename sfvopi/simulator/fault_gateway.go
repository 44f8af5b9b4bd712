package simulator

// gatewayFaults are 5xx answers without the provider's envelope: something in
// between, which may or may not have passed the request on.
func gatewayFaults() []Fault {
	unavailable := htmlError("5034", "gateway_503_html", 503, "503 Service Temporarily Unavailable", "a gateway's page")
	var faults []Fault
	both := func(silent Fault, twinMagic string) {
		faults = append(faults, silent, silent.rangVariant(twinMagic))
	}
	both(htmlError("5006", "gateway_500_html", 500, "500 Internal Server Error", "a gateway's page"), "5007")
	both(htmlError("5026", "gateway_502_html", 502, "502 Bad Gateway", "a gateway's page"), "5027")
	both(unavailable, "5035")
	both(htmlError("5040", "gateway_504_html", 504, "504 Gateway Time-out", "a gateway's page"), "5041")
	both(emptyAnswer("5008", "gateway_500_empty", 500), "5009")
	both(htmlError("5200", "cdn_520", 520, "520: Web server is returning an unknown error", "the CDN did not understand the origin"), "5201")
	both(htmlError("5220", "cdn_522", 522, "522: Connection timed out", "the CDN lost the origin"), "5221")
	both(htmlError("5240", "cdn_524", 524, "524: A timeout occurred", "the origin took too long"), "5241")
	return append(
		faults,
		named("5036", "gateway_503_html_seconds", unavailable.withHeader("Retry-After", "{retry_seconds}"), "a gateway's page with Retry-After in seconds"),
		named("5037", "gateway_503_html_date", unavailable.withHeader("Retry-After", "{retry_date}"), "a gateway's page with Retry-After as an HTTP date"),
		htmlError("5210", "cdn_521", 521, "521: Web server is down", "the CDN could not reach the origin"),
		htmlError("5230", "cdn_523", 523, "523: Origin is unreachable", "the CDN could not reach the origin"),
		htmlError("5250", "cdn_525", 525, "525: SSL handshake failed", "the CDN could not reach the origin"),
		htmlError("5260", "cdn_526", 526, "526: Invalid SSL certificate", "the CDN could not reach the origin"),
	)
}

// lookupFaults are the documented errors of the other endpoints.
func lookupFaults() []Fault {
	failed := func(name, message string) Fault {
		f := withError("", name, message, "connection pool exhausted", "the documented 500 of this endpoint")
		f.Scope = Lookups
		return f
	}
	missing := func(name, message string) Fault {
		f := errorAnswer("", name, 404, message, "an app that was deleted meanwhile")
		f.Scope = Lookups
		return f
	}
	return []Fault{
		failed("get_apps_failed", "Failed to get SFVoPI apps: {error}"),
		failed("get_numbers_failed", "Failed to get numbers: {error}"),
		failed("get_available_numbers_failed", "Failed to get available numbers: {error}"),
		failed("link_number_failed", "Failed to link number: {error}"),
		failed("unlink_number_failed", "Failed to unlink number: {error}"),
		failed("create_app_failed", "Failed to create SFVoPI app: {error}"),
		failed("update_app_failed", "Failed to update SFVoPI app: {error}"),
		failed("delete_app_failed", "Failed to delete SFVoPI app: {error}"),
		missing("app_not_found", "App not found"),
		missing("sfvopi_app_not_found", "SFVoPI app not found"),
	}
}

// connectionFaults never deliver a whole HTTP answer.
func connectionFaults() []Fault {
	lost := func(magic, name string, b Behaviour, about string) Fault {
		return connectionFault(magic, name, b, 0, "", about).afterRing()
	}
	return []Fault{
		lost("1000", "answer_lost_close", Close, "the call was accepted; the connection closes before the answer"),
		lost("1001", "answer_lost_reset", Reset, "the call was accepted; the connection is reset before the answer"),
		lost("1002", "hang_rang", Hang, "the call was accepted; no answer ever comes"),
		connectionFault("1003", "stall", Stall, 201, cutShortText, "the call was accepted; the answer stops half-way and the connection stays open").afterRing(),
		connectionFault("1004", "not_http_rang", NotHTTP, 0, "SSH-2.0-OpenSSH_9.6\r\n", "the call was accepted; the answer is not HTTP").afterRing(),
		connectionFault("1010", "close_silent", Close, 0, "", "the request was read and dropped; the connection closes"),
		connectionFault("1011", "reset_silent", Reset, 0, "", "the request was read and dropped; the connection is reset"),
		connectionFault("1012", "hang_silent", Hang, 0, "", "the request was read and dropped; no answer ever comes"),
		connectionFault("1013", "not_http", NotHTTP, 0, "SSH-2.0-OpenSSH_9.6\r\n", "something else listens on that port"),
		connectionFault("", "close_unread", CloseUnread, 0, "", "closed before the body was read"),
		connectionFault("", "reset_unread", ResetUnread, 0, "", "reset before the body was read"),
	}
}

func connectionFault(magic, name string, b Behaviour, status int, body, about string) Fault {
	return Fault{Name: name, Magic: magic, Scope: Any, Behaviour: b, Status: status, Body: body, About: about}
}

func emptyAnswer(magic, name string, status int) Fault {
	return connectionFault(magic, name, Answer, status, "", "no body at all")
}
