package dispatcher

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// claimed gives a record whose attempt "n" was claimed just now, with so many
// attempts spent before.
func claimed(t *testing.T, spent int, body []byte) (call.Record, call.Request) {
	t.Helper()
	tk := identify(situate().first(time.Minute, body).delivery, testSettings())
	tk.record.Spent = spent
	r, err := tk.record.Claim("one", "n", noon)
	if err != nil {
		t.Fatal(err)
	}
	return r, tk.request
}

func held(t *testing.T, r call.Record) call.Record {
	t.Helper()
	r, err := r.MarkUnknown("n", call.Outcome{Class: call.Unknown, Reason: call.WorkerLost}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNextRecord(t *testing.T) {
	fresh, request := claimed(t, 0, requestBody("a"))
	last, _ := claimed(t, 11, requestBody("a"))
	hurried, hurriedRequest := claimed(t, 0, requestBody("a", "expires_at", at(3*time.Second)))
	refused := func(r call.Reason, change func(*call.Outcome)) call.Outcome {
		o := call.Outcome{Class: call.Refused, Reason: r}
		if change != nil {
			change(&o)
		}
		return o
	}
	unspent := func(o *call.Outcome) { o.Unspent = true }
	after := func(d time.Duration) func(*call.Outcome) { return func(o *call.Outcome) { o.RetryAfter = d } }

	for _, c := range []struct {
		name    string
		record  call.Record
		request call.Request
		outcome call.Outcome

		state           call.State
		reason          call.Reason
		spent           int
		parked          bool
		soonest, latest time.Duration // of next_at
		delayed         bool
	}{
		{name: "placed", record: fresh, outcome: call.Outcome{Class: call.Placed, RequestUUID: "u"}, state: call.StatePlaced},
		{
			name: "refused", record: fresh, outcome: refused(call.ServiceUnavailable, nil),
			state: call.StateWaiting, reason: call.ServiceUnavailable, spent: 1, parked: true, soonest: time.Second, latest: 3 * time.Second, delayed: true,
		},
		{
			name: "refused, retry after", record: fresh, outcome: refused(call.ServiceUnavailable, after(90*time.Second)),
			state: call.StateWaiting, reason: call.ServiceUnavailable, spent: 1, parked: true, soonest: 90 * time.Second, latest: 90 * time.Second, delayed: true,
		},
		{
			name: "rate limited", record: fresh, outcome: refused(call.RateLimited, unspent),
			state: call.StateWaiting, reason: call.RateLimited, parked: true, soonest: time.Minute, latest: time.Minute, delayed: true,
		},
		{
			name: "interrupted", record: fresh, outcome: refused(call.Interrupted, unspent),
			state: call.StateWaiting, reason: call.Interrupted, parked: true,
		},
		{
			name: "refused for the last time", record: last, outcome: refused(call.NotSent, nil),
			state: call.StateDead, reason: call.AttemptsExhausted, spent: 12, delayed: true,
		},
		{
			name: "refused for the last time, unspent", record: last, outcome: refused(call.RateLimited, unspent),
			state: call.StateWaiting, reason: call.RateLimited, spent: 11, parked: true, soonest: time.Minute, latest: time.Minute, delayed: true,
		},
		{
			name: "refused until after its deadline", record: hurried, request: hurriedRequest, outcome: refused(call.Capacity, after(time.Minute)),
			state: call.StateWaiting, reason: call.Capacity, spent: 1, parked: true, soonest: 3 * time.Second, latest: 3 * time.Second, delayed: true,
		},
		{
			name: "rejected", record: fresh, outcome: call.Outcome{Class: call.Rejected, Reason: call.NumberNotLinked},
			state: call.StateDead, reason: call.NumberNotLinked, spent: 1,
		},
		{
			name: "rang and failed", record: fresh, outcome: call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, MayHaveRung: true},
			state: call.StateDead, reason: call.WebhookFailed, spent: 1,
		},
		{
			name: "suspended", record: last, outcome: call.Outcome{Class: call.Suspended, Reason: call.Unauthorized},
			state: call.StateWaiting, reason: call.Unauthorized, spent: 11, delayed: true,
		},
		{
			name: "unknown", record: fresh, outcome: call.Outcome{Class: call.Unknown, Reason: call.TimedOut},
			state: call.StateUnknown, reason: call.OutcomeUnknown,
		},

		// Late evidence: its message is gone, so it can wait only parked.
		{name: "late placed", record: held(t, fresh), outcome: call.Outcome{Class: call.Placed, RequestUUID: "u"}, state: call.StatePlaced},
		{
			name: "late refused", record: held(t, fresh), outcome: refused(call.NotSent, nil),
			state: call.StateWaiting, reason: call.NotSent, spent: 1, parked: true, soonest: time.Second, latest: 3 * time.Second, delayed: true,
		},
		{
			name: "late rejected", record: held(t, fresh), outcome: call.Outcome{Class: call.Rejected, Reason: call.InvalidRequest},
			state: call.StateDead, reason: call.InvalidRequest, spent: 1,
		},
		{
			name: "late suspended", record: held(t, fresh), outcome: call.Outcome{Class: call.Suspended, Reason: call.Forbidden},
			state: call.StateWaiting, reason: call.Forbidden, parked: true, delayed: true,
		},
		{
			name: "late unknown", record: held(t, fresh), outcome: call.Outcome{Class: call.Unknown, Reason: call.TimedOut},
			state: call.StateUnknown, reason: call.OutcomeUnknown,
		},
		{
			name: "placed against a dead record", record: inState(fresh, call.StateDead), outcome: call.Outcome{Class: call.Placed, RequestUUID: "u"},
			state: call.StatePlaced,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.request.ID == "" {
				c.request = request
			}
			got, err := nextRecord(c.record, c.request, "n", c.outcome, testSettings(), noon)
			if err != nil {
				t.Fatal(err)
			}
			r := got.record
			if r.State != c.state || r.Reason != c.reason || r.Spent != c.spent || r.Parked != c.parked || got.delay > 0 != c.delayed {
				t.Errorf("state %q, reason %q, spent %d, parked %t, delay %s: want %+v", r.State, r.Reason, r.Spent, r.Parked, got.delay, c)
			}
			if r.MayHaveRung != (c.outcome.MayHaveRung || r.State == call.StateUnknown) {
				t.Errorf("may have rung: %t", r.MayHaveRung)
			}
			if r.State == call.StateWaiting {
				if wait := r.NextAt.Sub(noon); wait < c.soonest || wait > c.latest {
					t.Errorf("waits %s, want %s to %s", wait, c.soonest, c.latest)
				}
			}
		})
	}
}

func TestNextRecordRejectsAnOutcomeWithoutAClass(t *testing.T) {
	r, request := claimed(t, 0, requestBody("a"))
	if _, err := nextRecord(r, request, "n", call.Outcome{}, testSettings(), noon); err == nil {
		t.Error("it became a record")
	}
}

// TestRateLimitsDouble lets one call meet nothing but 429 without Retry-After.
func TestRateLimitsDouble(t *testing.T) {
	o := call.Outcome{Class: call.Refused, Reason: call.RateLimited, Unspent: true, ThrottlesAccount: true}
	var r call.Record
	want := time.Minute
	for n := range 10 {
		if got := refusedDelay(r, o, testSettings().Retry); got != want {
			t.Errorf("after %d: waits %s, want %s", n, got, want)
		}
		r.Attempts = append(r.Attempts, call.Attempt{N: n + 1, Class: call.Refused, Reason: call.RateLimited})
		want = min(2*want, time.Hour)
	}
}

func TestRetryDelayGrowsWithinItsBounds(t *testing.T) {
	retry := testSettings().Retry
	middle := retry.InitialDelay
	for spent := 1; spent <= 200; spent++ {
		low, high := middle/2, min(middle*3/2, retry.MaxDelay)
		lowest, highest := high, time.Duration(0)
		for range 200 {
			d := retry.delay(spent)
			if d < low || d > high {
				t.Fatalf("after %d attempts: waits %s, want %s to %s", spent, d, low, high)
			}
			lowest, highest = min(lowest, d), max(highest, d)
		}
		if highest-lowest < (high-low)/2 {
			t.Errorf("after %d attempts: waits only %s to %s: no jitter", spent, lowest, highest)
		}
		middle = min(2*middle, retry.MaxDelay)
	}
}

func TestExponential(t *testing.T) {
	for _, c := range []struct {
		times int
		want  time.Duration
	}{{-1, time.Second}, {0, time.Second}, {1, 2 * time.Second}, {3, 8 * time.Second}, {4, 10 * time.Second}, {1 << 40, 10 * time.Second}} {
		if got := exponential(time.Second, 10*time.Second, c.times); got != c.want {
			t.Errorf("%d times: %s, want %s", c.times, got, c.want)
		}
	}
}

// TestAnOutageIsNoPoison adds up how long a request is handed back for before
// it counts as poison: longer than it may be dialled, unless more is configured.
func TestAnOutageIsNoPoison(t *testing.T) {
	var sum time.Duration
	for n := uint64(1); n <= poisonDeliveries; n++ {
		sum += nakDelay(n)
	}
	if sum < 24*time.Hour {
		t.Errorf("a request is poison after an outage of %s", sum)
	}
	if nakDelay(1) != initialNakDelay || nakDelay(1<<63) != maxNakDelay {
		t.Errorf("from %s to %s", nakDelay(1), nakDelay(1<<63))
	}
}
