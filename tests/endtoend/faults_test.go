package endtoend_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// ending is what becomes of a call whose first POST meets a fault, by the
// provider's documentation and the promise, not by our tables.
type ending struct {
	state  call.State
	reason call.Reason // of the record
	posts  int
	rings  int
	// waits is how long it has to wait at least, if it waits for minutes.
	waits time.Duration
	// first is the class of the first attempt.
	first call.Class
	// unread is set if the provider never read the body.
	unread bool
	// stopped is set if the account stays suspended.
	stopped bool
}

var (
	accepted = ending{state: call.StatePlaced, posts: 1, rings: 1, first: call.Placed}
	// again: it did not ring, for sure, so it is dialled again and placed.
	again = ending{state: call.StatePlaced, posts: 2, rings: 1, first: call.Refused}
	// heldRang and heldSilent cannot be distinguished by us, and are never dialled
	// again.
	heldRang   = ending{state: call.StateUnknown, reason: call.OutcomeUnknown, posts: 1, rings: 1, first: call.Unknown}
	heldSilent = ending{state: call.StateUnknown, reason: call.OutcomeUnknown, posts: 1, rings: 0, first: call.Unknown}
	// keyRefused: a 401 is probed by a GET, which works, and the call goes out.
	heldUnread    = ending{state: call.StateUnknown, reason: call.OutcomeUnknown, posts: 1, rings: 0, first: call.Unknown, unread: true}
	keyRefused    = ending{state: call.StatePlaced, posts: 2, rings: 1, first: call.Suspended}
	webhookFailed = ending{state: call.StateDead, reason: call.WebhookFailed, posts: 1, rings: 1, first: call.Rejected}
	rateLimited   = ending{state: call.StateWaiting, reason: call.RateLimited, posts: 1, waits: 30 * time.Second, first: call.Refused}
	noRoom        = ending{state: call.StateWaiting, reason: call.Capacity, posts: 1, waits: 30 * time.Second, first: call.Refused}
)

func rejected(r call.Reason) ending {
	return ending{state: call.StateDead, reason: r, posts: 1, first: call.Rejected}
}

func suspended(r call.Reason) ending {
	return ending{state: call.StateWaiting, reason: r, posts: 1, first: call.Suspended, stopped: true}
}

var endings = map[string]ending{
	"accepted_200": accepted, "accepted_other_status": accepted, "accepted_extra_fields": accepted,
	"accepted_mark": accepted, "accepted_duplicate_keys": accepted, "accepted_uuid_number": accepted,

	// 2xx that say nothing, and what comes too late.
	"slow_answer": heldRang, "success_uuid_missing": heldRang, "success_uuid_empty": heldRang, "success_malformed": heldRang,
	"success_html": heldRang, "success_empty": heldRang, "success_no_content": heldRang, "success_null_data": heldRang,
	"success_too_large": heldRang, "success_truncated": heldRang,
	"success_html_silent": heldSilent, "success_empty_silent": heldSilent,

	// A redirect that is followed is a second POST.
	"redirect_301": heldSilent, "redirect_302": heldSilent, "redirect_303": heldRang,
	"redirect_307": suspended(call.Redirected), "redirect_308": suspended(call.Redirected),

	"number_not_linked": rejected(call.NumberNotLinked),
	"bad_request":       rejected(call.InvalidRequest), "bad_request_html": rejected(call.InvalidRequest),
	"body_too_large": rejected(call.InvalidRequest), "uri_too_long": rejected(call.InvalidRequest),
	"unprocessable": rejected(call.InvalidRequest), "headers_too_large": rejected(call.InvalidRequest),
	"already_linked": rejected(call.NotPermitted), "gone": rejected(call.NotPermitted), "locked": rejected(call.NotPermitted),

	"unauthorized": keyRefused, "unauthorized_login": keyRefused, "unauthorized_organisation": keyRefused,
	"unauthorized_no_key": keyRefused, "unauthorized_invalid_key": keyRefused,
	"payment_required": suspended(call.PaymentRequired),
	"forbidden":        suspended(call.Forbidden), "forbidden_html": suspended(call.Forbidden),
	"not_found": suspended(call.EndpointMissing), "not_found_html": suspended(call.EndpointMissing),
	"method_not_allowed":     suspended(call.EndpointMissing),
	"unsupported_media_type": suspended(call.EndpointMissing), "not_implemented": suspended(call.EndpointMissing),

	"request_timeout": heldSilent, "request_timeout_rang": heldRang, "request_timeout_unread": heldUnread,
	"not_acceptable": heldRang, "closed_460": heldRang, "closed_499": heldRang,
	"conflict": heldSilent, "conflict_rang": heldRang,
	"too_early":         again,
	"too_many_requests": rateLimited, "too_many_requests_garbage": rateLimited, "too_many_requests_html": rateLimited,
	"too_many_requests_seconds": again, "too_many_requests_date": again,

	// 5xx in the provider's envelope.
	"service_temporarily_unavailable": again, "initiate_failed": again, "get_app_by_number_failed": again, "get_app_failed": again,
	"unavailable_seconds": again, "unavailable_date": again, "overloaded": again, "maintenance": again, "currently_unavailable": again,
	"unavailable": heldSilent, "unavailable_rang": heldRang, "try_again": heldRang, "subscriber_unavailable": heldRang,
	"internal_error": heldSilent, "internal_error_rang": heldRang, "bad_gateway": heldSilent, "bad_gateway_rang": heldRang,
	"insufficient_storage": heldSilent, "insufficient_storage_rang": heldRang,

	// An answer that names a call is no proof that none went out.
	"unavailable_names_call": heldRang, "unavailable_bytes_behind": heldRang, "unauthorized_names_call": heldRang,
	"too_many_requests_names_call": heldRang,

	// A carrier that was reached and lost may have rung.
	"initiate_timeout": heldRang, "initiate_timed_out": heldRang, "initiate_etimedout": heldRang, "initiate_esockettimedout": heldRang,
	"initiate_econnreset": heldRang, "initiate_econnaborted": heldRang, "initiate_epipe": heldRang, "initiate_reset": heldRang,
	"initiate_hang_up": heldRang, "initiate_aborted": heldRang, "initiate_closed": heldRang, "initiate_gateway": heldRang,
	"initiate_status_code": heldRang, "initiate_timeout_silent": heldSilent, "initiate_other": heldSilent,
	"initiate_busy": heldRang, "initiate_no_answer": heldRang, "initiate_terminated": heldRang, "initiate_voicemail": heldRang, "initiate_not_saved": heldRang,
	"initiate_econnrefused": again, "initiate_enotfound": again, "initiate_eai_again": again, "initiate_ehostunreach": again, "initiate_carrier_400": again,
	"initiate_rate_limit": noRoom, "initiate_too_many": noRoom, "initiate_carrier_429": noRoom, "initiate_capacity": noRoom,
	"initiate_concurrency": noRoom, "initiate_channel": noRoom,
	"initiate_balance": suspended(call.AccountBlocked), "initiate_credit": suspended(call.AccountBlocked), "initiate_payment": suspended(call.AccountBlocked),
	"initiate_suspended": suspended(call.AccountBlocked), "initiate_credentials": suspended(call.AccountBlocked), "initiate_not_configured": suspended(call.AccountBlocked),
	"initiate_invalid_number": rejected(call.InvalidRequest), "initiate_unsupported_number": rejected(call.InvalidRequest),
	"initiate_unallocated": rejected(call.InvalidRequest), "initiate_dnd": rejected(call.NotPermitted), "initiate_blocked": rejected(call.NotPermitted),

	// The answer webhook runs after the callee picked up.
	"answer_url_both_failed": webhookFailed, "answer_url_schema": webhookFailed, "answer_url_timeout": webhookFailed,
	"answer_url_status": webhookFailed, "answer_url_connection": webhookFailed, "answer_url_invalid": webhookFailed,

	// A gateway may have passed the request on.
	"gateway_500_html": heldSilent, "gateway_500_html_rang": heldRang, "gateway_502_html": heldSilent, "gateway_502_html_rang": heldRang,
	"gateway_503_html": heldSilent, "gateway_503_html_rang": heldRang, "gateway_504_html": heldSilent, "gateway_504_html_rang": heldRang,
	"gateway_500_empty": heldSilent, "gateway_500_empty_rang": heldRang,
	"gateway_503_html_seconds": heldSilent, "gateway_503_html_date": heldSilent,
	"cdn_520": heldSilent, "cdn_520_rang": heldRang, "cdn_522": heldSilent, "cdn_522_rang": heldRang, "cdn_524": heldSilent, "cdn_524_rang": heldRang,
	"cdn_521": again, "cdn_523": again, "cdn_525": again, "cdn_526": again,

	// Connections that never deliver a whole answer.
	"answer_lost_close": heldRang, "answer_lost_reset": heldRang, "hang_rang": heldRang, "stall": heldRang, "not_http_rang": heldRang,
	"close_silent": heldSilent, "reset_silent": heldSilent, "hang_silent": heldSilent, "not_http": heldSilent,
	"close_unread": heldUnread, "reset_unread": heldUnread,
}

// TestEveryFault lets the first POST of one account each meet one fault of the
// provider's.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	var faults []simulator.Fault
	for _, f := range simulator.Faults() {
		if f.Scope != simulator.Lookups {
			faults = append(faults, f)
		}
	}
	if len(faults) != len(endings) {
		t.Errorf("%d faults can strike calls, the endings of %d are listed", len(faults), len(endings))
	}
	sim := simulator.Config{}
	accounts := map[string]configs.Account{}
	for i, f := range faults {
		name := fmt.Sprintf("f%d", i)
		sim.World.Organisations = append(sim.World.Organisations, simulator.Organisation{
			Name: name, APIKeys: []string{"key-" + name},
			Apps: []simulator.App{{ID: "sfv_app_" + name, Numbers: []string{number(i)}}},
		})
		rule := simulator.Rule{Name: name, Fault: f.Name, Organisation: name, First: 1, RetryAfter: time.Second}
		if f.Name == "slow_answer" {
			rule.Delay = 10 * time.Second
		}
		sim.Rules = append(sim.Rules, rule)
		account := configs.DefaultAccount()
		account.APIKey, account.CallsPerSecond, account.Concurrency = configs.NewSecret("key-"+name), 0, 4
		accounts[name] = account
	}
	env := harness.New(t, sim, func(c *configs.Config) {
		c.Accounts = accounts
		// A busy machine interrupts no attempt before it is written, and cuts
		// off no answer that comes.
		c.Provider.ConnectTimeout, c.Provider.RequestTimeout = 10*time.Second, 5*time.Second
	})
	env.AwaitReady(env.Start("one"))
	for i := range faults {
		env.Publish(fmt.Sprintf("calls.requests.f%d", i), fmt.Sprintf(`{"id":"a","from":%q,"to":"+919876543210","answer_url":%q}`, number(i), harness.AnswerURL))
	}
	for i, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			want, listed := endings[f.Name]
			if !listed {
				t.Fatal("its ending is not listed")
			}
			reachesEnding(t, env, call.Account(fmt.Sprintf("f%d", i)), want)
		})
	}
}

// number is the caller ID of one account.
func number(i int) string { return fmt.Sprintf("+9120715%05d", 40000+i) }

func reachesEnding(t *testing.T, env *harness.Environment, a call.Account, want ending) {
	t.Helper()
	record := settled(t, env, a, "a", want.state, want.reason)
	posts, rings := 0, 0
	for _, c := range env.Simulator.Report(simulator.ReportFilter{Organisation: string(a)}).Calls {
		posts, rings = posts+c.PostCount, rings+c.Rung
	}
	if want.unread {
		posts++ // its callee was never read, so it is not listed
	}
	if posts != want.posts || rings != want.rings {
		t.Errorf("%d POSTs arrived and rang %d times, want %d and %d", posts, rings, want.posts, want.rings)
	}
	if record.Made != want.posts || record.Attempts[0].Class != want.first {
		t.Errorf("%d attempts, the first %q for %q: want %d, %q", record.Made, record.Attempts[0].Class, record.Attempts[0].Reason, want.posts, want.first)
	}
	if (record.RequestUUID != "") != (want.state == call.StatePlaced) {
		t.Errorf("request_uuid %q of a call that is %s", record.RequestUUID, record.State)
	}
	if mayHaveRung := want.state == call.StateUnknown || want.reason == call.WebhookFailed; record.MayHaveRung != mayHaveRung {
		t.Errorf("may have rung: %t", record.MayHaveRung)
	}
	if wait := record.NextAt.Sub(record.Attempts[len(record.Attempts)-1].EndedAt); want.waits > 0 && wait < want.waits {
		t.Errorf("it waits %s", wait)
	}
	letters, left := 0, 0
	if want.state == call.StateDead || want.state == call.StateUnknown {
		letters = 1
	}
	if want.stopped {
		left = 1
		if record.Spent != 0 {
			t.Errorf("%d attempts were spent on a suspension", record.Spent)
		}
	}
	env.Eventually("its request is acknowledged or stays", func() bool {
		return env.Messages(queue.StreamCalls, fmt.Sprintf("calls.requests.%s.>", a)) == left
	})
	if n := env.Messages(queue.StreamDead, fmt.Sprintf("calls.dead.%s.%s.a", a, record.Reason)); n != letters {
		t.Errorf("%d dead letters", n)
	}
	if n := env.Messages(queue.StreamDead, fmt.Sprintf("calls.dead.%s.>", a)); n != letters {
		t.Errorf("%d dead letters in all", n)
	}
}

// settled waits until the call of an account is in this state for this reason.
func settled(t *testing.T, env *harness.Environment, a call.Account, id call.ID, s call.State, reason call.Reason) call.Record {
	t.Helper()
	records, err := env.Conn.NewRecords(t.Context(), queue.Retention{}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	var record call.Record
	env.Eventually(fmt.Sprintf("call %s of %s is %s %s", id, a, s, reason), func() bool {
		record, _, err = records.Read(t.Context(), a, id)
		if err != nil {
			t.Fatal(err)
		}
		return record.State == s && record.Reason == reason
	})
	return record
}
