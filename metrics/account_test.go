package metrics_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// Each method moves its own series and no other.
func TestEachMethodMovesItsOwnSeries(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*metrics.Account)
		want samples
	}{
		{
			"attempt", func(a *metrics.Account) {
				a.Attempt(call.Outcome{Class: call.Refused, Reason: call.RateLimited, Status: 429}, 250*time.Millisecond)
			},
			samples{
				`ringonce_attempts_total{account="a",outcome="refused",reason="rate_limited"}`: 1,
				`ringonce_post_duration_seconds_count{account="a"}`:                            1,
				`ringonce_post_duration_seconds_sum{account="a"}`:                              0.25,
			},
		},
		{
			"an attempt whose worker was lost has no duration", func(a *metrics.Account) {
				a.Attempt(call.Outcome{Class: call.Unknown, Reason: call.WorkerLost}, time.Hour)
			},
			samples{`ringonce_attempts_total{account="a",outcome="unknown",reason="worker_lost"}`: 1},
		},
		{
			"age", func(a *metrics.Account) { a.Age(call.Bulk, 90*time.Second) },
			samples{
				`ringonce_request_age_seconds_count{account="a",priority="bulk"}`: 1,
				`ringonce_request_age_seconds_sum{account="a",priority="bulk"}`:   90,
			},
		},
		{
			"an age by a clock that is ahead is none", func(a *metrics.Account) { a.Age(call.Urgent, -time.Second) },
			samples{`ringonce_request_age_seconds_count{account="a",priority="urgent"}`: 1},
		},
		{
			"in flight", func(a *metrics.Account) { a.InFlight(1); a.InFlight(1); a.InFlight(-1) },
			samples{`ringonce_in_flight{account="a"}`: 1},
		},
		{
			"placed", func(a *metrics.Account) { a.Ended(call.StatePlaced, call.Accepted) },
			samples{`ringonce_calls_total{account="a",reason="accepted",state="placed"}`: 1},
		},
		{
			"placed, by its record", func(a *metrics.Account) {
				r := call.Record{}.MarkPlaced("nonce", call.Outcome{Class: call.Placed, Reason: call.Accepted}, time.Now())
				a.Ended(r.State, r.Reason)
			},
			samples{`ringonce_calls_total{account="a",reason="accepted",state="placed"}`: 1},
		},
		{
			"dead", func(a *metrics.Account) { a.Ended(call.StateDead, call.Expired) },
			samples{`ringonce_calls_total{account="a",reason="expired",state="dead"}`: 1},
		},
		{
			"unknown", func(a *metrics.Account) { a.Ended(call.StateUnknown, call.OutcomeUnknown) },
			samples{`ringonce_calls_total{account="a",reason="outcome_unknown",state="unknown"}`: 1},
		},
		{"duplicate", (*metrics.Account).Duplicate, samples{`ringonce_duplicates_total{account="a"}`: 1}},
		{"unassigned", (*metrics.Account).UnassignedNumber, samples{`ringonce_unassigned_numbers_total{account="a"}`: 1}},
		{
			"late evidence", func(a *metrics.Account) { a.LateEvidence(call.Refused) },
			samples{`ringonce_late_evidence_total{account="a",outcome="refused"}`: 1},
		},
		{"contradiction", (*metrics.Account).Contradiction, samples{`ringonce_contradictions_total{account="a"}`: 1}},
		{
			"an operator", func(a *metrics.Account) { a.OperatorAction(call.ActionResolveRang) },
			samples{`ringonce_operator_actions_total{account="a",action="resolve_rang"}`: 1},
		},
		{"conflict", (*metrics.Account).ClaimConflict, samples{`ringonce_claim_conflicts_total{account="a"}`: 1}},
		{"uncertain", (*metrics.Account).ClaimUncertain, samples{`ringonce_claims_uncertain_total{account="a"}`: 1}},
		{"foreign wait", (*metrics.Account).ClaimWait, samples{`ringonce_claim_waits_total{account="a"}`: 1}},
		{"nak", (*metrics.Account).Nak, samples{`ringonce_naks_total{account="a"}`: 1}},
		{"panic", (*metrics.Account).Panicked, samples{`ringonce_panics_total{account="a"}`: 1}},
		{
			"settle retried", func(a *metrics.Account) { a.SettleRetried(metrics.StepDeadLetter) },
			samples{`ringonce_settle_retries_total{account="a",step="dead_letter"}`: 1},
		},
		{
			"limits", func(a *metrics.Account) { a.Limits(8, 2.5) },
			samples{
				`ringonce_concurrency_limit{account="a"}`:      8,
				`ringonce_calls_per_second_limit{account="a"}`: 2.5,
			},
		},
		{
			"lane", func(a *metrics.Account) { a.Lane(call.LaneRunning) },
			samples{
				`ringonce_lane_state{account="a",state="running"}`: 1,
				`ringonce_lane_state{account="a",state="stopped"}`: 0,
			},
		},
		{
			"slots of a rate limit", func(a *metrics.Account) {
				a.Reserved(metrics.ReservationGranted)
				a.Reserved(metrics.ReservationFailed)
				a.SlotsUnused(3)
				a.SlotWait(1500 * time.Millisecond)
			},
			samples{
				`ringonce_rate_limit_reservations_total{account="a",result="granted"}`: 1,
				`ringonce_rate_limit_reservations_total{account="a",result="failed"}`:  1,
				`ringonce_rate_limit_slots_unused_total{account="a"}`:                  3,
				`ringonce_rate_limit_wait_seconds_total{account="a"}`:                  1.5,
			},
		},
		{
			"suspended", func(a *metrics.Account) { a.Suspended(call.Unauthorized) },
			samples{`ringonce_suspensions_total{account="a",reason="unauthorized"}`: 1},
		},
		{
			"queue", func(a *metrics.Account) {
				a.Queue(metrics.Depth{Waiting: 1, Due: 2, AckPending: 5, Parked: 3, DeadLetters: 4, Unknown: 6, Oldest: 1500 * time.Millisecond})
			},
			samples{
				`ringonce_queue_waiting{account="a"}`:            1,
				`ringonce_queue_ack_pending{account="a"}`:        5,
				`ringonce_queue_due{account="a"}`:                2,
				`ringonce_queue_parked{account="a"}`:             3,
				`ringonce_dead_letters{account="a"}`:             4,
				`ringonce_unknown_calls{account="a"}`:            6,
				`ringonce_queue_oldest_age_seconds{account="a"}`: 1.5,
			},
		},
		{
			"parked", func(a *metrics.Account) { a.Parked(call.LinkageUnknown) },
			samples{`ringonce_parked_total{account="a",reason="linkage_unknown"}`: 1},
		},
		{
			"look-up", func(a *metrics.Account) { a.LinkageLookup(call.OwnedNotLinked) },
			samples{`ringonce_linkage_lookups_total{account="a",result="owned_not_linked"}`: 1},
		},
		{
			"refreshed", func(a *metrics.Account) { a.DirectoryRefreshed(true, 2*time.Second) },
			samples{
				`ringonce_linkage_refreshes_total{account="a",result="ok"}`:    1,
				`ringonce_linkage_refresh_duration_seconds_count{account="a"}`: 1,
				`ringonce_linkage_refresh_duration_seconds_sum{account="a"}`:   2,
			},
		},
		{
			"refresh failed", func(a *metrics.Account) { a.DirectoryRefreshed(false, 3*time.Second) },
			samples{
				`ringonce_linkage_refreshes_total{account="a",result="failed"}`: 1,
				`ringonce_linkage_refresh_duration_seconds_count{account="a"}`:  1,
				`ringonce_linkage_refresh_duration_seconds_sum{account="a"}`:    3,
			},
		},
		{
			"directory", func(a *metrics.Account) { a.Directory(time.UnixMilli(946684800_250), 12) },
			samples{
				`ringonce_linkage_fetched_timestamp_seconds{account="a"}`: 946684800.25,
				`ringonce_linkage_age_seconds{account="a"}`:               99.75,
				`ringonce_linkage_numbers{account="a"}`:                   12,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				<-time.After(100 * time.Second) // the bubble's clock begins at 946684800
				reg := prometheus.NewPedanticRegistry()
				m := metrics.New(reg, build)
				m.Account("other")
				a := m.Account("a")
				before := scrape(t, reg)
				c.do(a)
				sameSamples(t, scrape(t, reg).since(before), c.want)
			})
		})
	}
}
