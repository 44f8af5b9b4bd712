package simulation

import (
	"slices"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// Two accounts, each an organisation of its own.
const secondKey = "second-key"

var (
	callerID = map[string]string{"default": simulator.DefaultNumber, "second": "+912071532001"}
	unlinked = map[string]string{"default": simulator.DefaultAvailableNumber, "second": "+912071532201"}
)

func organisations() simulator.World {
	w := simulator.DefaultWorld()
	w.Organisations = append(w.Organisations, simulator.Organisation{
		Name: "second", ID: 2002, APIKeys: []string{secondKey},
		Apps:             []simulator.App{{ID: "sfv_app_second00001", Name: "Second", AnswerURL: "https://publisher.example/answer", Numbers: []string{callerID["second"]}}},
		AvailableNumbers: []string{unlinked["second"]},
	})
	return w
}

// clearFaults are answers that show that no phone rang, or that one did. They stand here by name, and not by asking the program.
var clearFaults = []string{
	"service_temporarily_unavailable", "initiate_failed", "too_many_requests", "too_many_requests_seconds",
	"too_many_requests_date", "unavailable_seconds", "unavailable_date", "too_early", "overloaded",
	"maintenance", "currently_unavailable", "get_app_failed", "get_app_by_number_failed",
	"initiate_econnrefused", "initiate_enotfound", "initiate_carrier_400", "initiate_capacity", "initiate_channel",
	"initiate_invalid_number", "initiate_dnd", "number_not_linked", "bad_request", "body_too_large",
	"answer_url_timeout", "answer_url_both_failed", "answer_url_schema",
	"cdn_521", "cdn_523", "cdn_525", "cdn_526",
}

// suspendingFaults stop the whole account, so they are met less often.
var suspendingFaults = []string{
	"unauthorized", "payment_required", "forbidden", "not_found", "redirect_307", "initiate_balance",
}

// ambiguousFaults are all the others that a callee can choose, but for the one
// that names the call otherwise than the oracle.
func ambiguousFaults() []string {
	var names []string
	for _, f := range simulator.Faults() {
		if f.Magic != "" && f.Name != "accepted_uuid_number" && !slices.Contains(clearFaults, f.Name) && f.Scope == simulator.Calls &&
			f.Status != 401 && f.Status/100 != 3 && f.Status != 402 && f.Status != 403 && f.Status != 404 {
			names = append(names, f.Name)
		}
	}
	return names
}
