package call_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestWithDefaultsLimits(t *testing.T) {
	account := call.Defaults{Limits: call.Limits{RingTimeout: 45, CallTimeLimit: 600}}
	tests := []struct {
		name     string
		given    call.Limits
		defaults call.Defaults
		want     call.Limits
	}{
		{"nothing said: the provider's documentation", call.Limits{}, call.Defaults{}, call.Limits{RingTimeout: 60, CallTimeLimit: 14400}},
		{"the account says", call.Limits{}, account, call.Limits{RingTimeout: 45, CallTimeLimit: 600}},
		{"the request says", call.Limits{RingTimeout: 10, CallTimeLimit: 20}, account, call.Limits{RingTimeout: 10, CallTimeLimit: 20}},
		{"each for itself", call.Limits{RingTimeout: 10}, call.Defaults{}, call.Limits{RingTimeout: 10, CallTimeLimit: 14400}},
	}
	for _, test := range tests {
		if got := (call.Request{Limits: test.given}).WithDefaults(test.defaults).Limits; got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestWithDefaultsCallbacks(t *testing.T) {
	type hook struct{ url, method string }
	tests := []struct {
		name                 string
		given, account, want hook
	}{
		{"nothing", hook{}, hook{}, hook{}},
		{"URL alone", hook{"u", ""}, hook{}, hook{"u", "POST"}},
		{"URL and method", hook{"u", "GET"}, hook{"d", "POST"}, hook{"u", "GET"}},
		{"the account's method is not for another URL", hook{"u", ""}, hook{"d", "GET"}, hook{"u", "POST"}},
		{"the account's method without a URL is for any", hook{"u", ""}, hook{"", "GET"}, hook{"u", "GET"}},
		{"the account's", hook{}, hook{"d", "GET"}, hook{"d", "GET"}},
		{"the account's URL alone", hook{}, hook{"d", ""}, hook{"d", "POST"}},
		{"the request's method for the account's URL", hook{"", "GET"}, hook{"d", "POST"}, hook{"d", "GET"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := call.Request{Callbacks: call.Callbacks{
				AnswerURL: test.given.url, AnswerMethod: test.given.method,
				RingURL: test.given.url, RingMethod: test.given.method,
				HangupURL: test.given.url, HangupMethod: test.given.method,
			}}
			before := r.Callbacks
			got := r.WithDefaults(call.Defaults{Callbacks: call.Callbacks{
				AnswerURL: test.account.url, AnswerMethod: test.account.method,
				RingURL: test.account.url, RingMethod: test.account.method,
				HangupURL: test.account.url, HangupMethod: test.account.method,
			}}).Callbacks
			want := call.Callbacks{
				AnswerURL: test.want.url, AnswerMethod: test.want.method,
				RingURL: test.want.url, RingMethod: test.want.method,
				HangupURL: test.want.url, HangupMethod: test.want.method,
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if r.Callbacks != before {
				t.Error("the request itself was changed")
			}
		})
	}
}

func TestCheckDialable(t *testing.T) {
	r := call.Request{Callbacks: call.Callbacks{RingURL: "https://example.com"}}
	var invalid *call.InvalidError
	if err := r.CheckDialable(); !errors.As(err, &invalid) || invalid.Reason != call.InvalidRequest ||
		invalid.Field != "answer_url" || invalid.Rule == "" || invalid.Fix == "" {
		t.Errorf("without answer_url: %v", err)
	}
	r.AnswerURL = "https://example.com"
	if err := r.CheckDialable(); err != nil {
		t.Errorf("with answer_url: %v", err)
	}
}

func TestExpiry(t *testing.T) {
	since := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	const maxAge = 24 * time.Hour
	tests := []struct {
		name          string
		expires, want time.Time
	}{
		{"the age limit alone", time.Time{}, since.Add(maxAge)},
		{"an earlier expires_at", since.Add(time.Hour), since.Add(time.Hour)},
		{"a later expires_at is capped", since.Add(25 * time.Hour), since.Add(maxAge)},
		{"both at once", since.Add(maxAge), since.Add(maxAge)},
		{"expired before it was published", since.Add(-time.Hour), since.Add(-time.Hour)},
	}
	for _, test := range tests {
		if got := (call.Request{ExpiresAt: test.expires}).Expiry(since, maxAge); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestInvalidErrorText(t *testing.T) {
	tests := []struct {
		err  call.InvalidError
		want string
	}{
		{call.InvalidError{Field: "to", Rule: "is required", Fix: "give a number"}, "to is required; give a number"},
		{call.InvalidError{Rule: "it is too large"}, "it is too large"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
