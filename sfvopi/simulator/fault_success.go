package simulator

import (
	"net/http"
	"strings"
	"time"
)

const (
	queued       = `{"data":{"request_uuid":"{request_uuid}","status":"queued"},"message":"success"}`
	uuidMissing  = `{"data":{"status":"queued"},"message":"success"}`
	cutShortText = `{"data":{"request_uuid":"sfv_ob_`
	slowAnswer   = 3 * time.Second
	paddingBytes = 1 << 20
)

// acceptedFaults are answers that accept the call, in unusual forms.
func acceptedFaults() []Fault {
	return []Fault{
		successAnswer("2000", "accepted_200", 200, queued, "accepted with 200 instead of 201"),
		successAnswer("2001", "accepted_other_status", 201, strings.Replace(queued, `"queued"`, `"ringing"`, 1), "accepted, with another data.status"),
		successAnswer("2002", "accepted_extra_fields", 201, strings.Replace(queued, `{"data":{`, `{"version":2,"data":{"priority":{"level":1},`, 1), "accepted, with fields that nobody documented"),
		successAnswer("2004", "accepted_mark", 201, "\ufeff"+queued, "accepted; the answer begins with a byte order mark"),
		successAnswer("2005", "accepted_duplicate_keys", 201, strings.Replace(queued, `"status":"queued"`, `"status":"queued","status":"queued","note":"\ud800"`, 1), "accepted, with a key given twice and half a character"),
		successAnswer("2017", "accepted_uuid_number", 201, `{"data":{"request_uuid":12345,"status":"queued"},"message":"success"}`, "accepted, with a request_uuid that is a number"),
		successAnswer("2003", "slow_answer", 201, queued, "accepted; the answer comes 3 s later").delayed(slowAnswer),
	}
}

// successFaults are 2xx answers that do not show what became of the
// call, and redirects.
func successFaults() []Fault {
	html := successAnswer("2013", "success_html", 200, htmlPage("Welcome"), "2xx with an HTML page").withHeader("Content-Type", "text/html")
	return []Fault{
		successAnswer("2010", "success_uuid_missing", 201, uuidMissing, "2xx without data.request_uuid"),
		successAnswer("2011", "success_uuid_empty", 201, strings.Replace(queued, "{request_uuid}", "", 1), "2xx with an empty data.request_uuid"),
		successAnswer("2012", "success_malformed", 201, `{"data":{"request_uuid":`, "2xx with a body that is no JSON"),
		html,
		successAnswer("2014", "success_empty", 201, "", "2xx with an empty body"),
		successAnswer("2015", "success_no_content", http.StatusNoContent, "", "204"),
		successAnswer("2016", "success_null_data", 201, `{"data":null,"message":"success"}`, "2xx with null data"),
		successAnswer("2018", "success_too_large", 201, `{"padding":"{padding}",`+queued[1:], "2xx with a body of 1 MiB, the request_uuid at its end"),
		connectionFault("2019", "success_truncated", CutShort, 201, cutShortText, "2xx cut off in the middle of its body").afterRing(),
		withoutRing("2020", "success_html_silent", html, "2xx with an HTML page from something that never passed the request on"),
		withoutRing("2021", "success_empty_silent", successAnswer("", "", 200, "", ""), "2xx with an empty body from something that never passed the request on"),

		redirect("3010", "redirect_301", http.StatusMovedPermanently),
		redirect("3020", "redirect_302", http.StatusFound),
		named("3030", "redirect_303", redirect("", "", http.StatusSeeOther), "how many servers answer a POST that succeeded").afterRing(),
		redirect("3070", "redirect_307", http.StatusTemporaryRedirect),
		redirect("3080", "redirect_308", http.StatusPermanentRedirect),
	}
}

// successAnswer is a 2xx answer to a call that went out.
func successAnswer(magic, name string, status int, body, about string) Fault {
	f := connectionFault(magic, name, Answer, status, body, about)
	f.Header = map[string]string{"Content-Type": jsonType[0]}
	return f.afterRing()
}

func withoutRing(magic, name string, f Fault, about string) Fault {
	f.Magic, f.Name, f.About, f.Rings = magic, name, about, false
	return f
}

func (f Fault) delayed(delay time.Duration) Fault {
	f.Delay = delay
	return f
}

// redirect points back at the same path: a client that follows it shows up as a
// second POST.
func redirect(magic, name string, status int) Fault {
	f := errorAnswer(magic, name, status, "Moved", "redirect to the same path; following it POSTs again")
	return f.withHeader("Location", "{location}")
}
