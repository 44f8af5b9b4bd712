package configs

import (
	"fmt"
	"strings"
)

const (
	leastCallsPerSecond = 0.001
	mostCallsPerSecond  = 10_000
	mostConcurrency     = 10_000

	leastShare = 0.01
	mostShare  = 0.25

	// mostAccounts is what one set of streams serves: each account has four
	// consumers on CALLS_PARKED, and the streams are made for 2,048.
	mostAccounts = 500
)

func (v *validator) accounts(c Config) {
	if len(c.Accounts) == 0 {
		v.refuse("accounts", "there is none, and at least one is needed",
			"add accounts.default.api_key_file to the file, or set SFVOPI_API_KEY or SFVOPI_API_KEY_FILE")
	}
	if len(c.Accounts) > mostAccounts {
		v.refuse("accounts", fmt.Sprintf("there are %d, and one set of streams serves at most %d", len(c.Accounts), mostAccounts),
			"give some of them workers and a NATS account of their own, see docs/scaling.md")
	}
	for _, account := range c.SortedAccounts() {
		if !accountNamePattern.MatchString(account.Name) {
			v.refuse(accountKey(account.Name, ""), "is no account name: 1 to 32 of a-z, 0-9 and -", "rename it; it stands in the subjects of its requests")
		}
		v.account(func(key string) string { return accountKey(account.Name, key) }, account.Account)
	}
}

func (v *validator) account(full func(key string) string, a Account) {
	inline, file := !a.APIKey.IsZero(), a.APIKeyFile != ""
	switch {
	case inline && file:
		v.refuse(full("api_key_file"), "is set, and so is api_key", "remove one of the two")
	case !inline && !file:
		v.refuse(full("api_key"), "is missing", "give api_key_file, or api_key", full("api_key_file"))
	case inline:
		v.refuseFault(full("api_key"), checkAPIKey(a.APIKey.Reveal()))
	}
	if a.CallsPerSecond != 0 && !(a.CallsPerSecond >= leastCallsPerSecond && a.CallsPerSecond <= mostCallsPerSecond) {
		v.refuse(full("calls_per_second"),
			fmt.Sprintf("must be 0 or from %g to %d, is %g", leastCallsPerSecond, mostCallsPerSecond, a.CallsPerSecond),
			"0 is no limit, 0.5 is one call in two seconds")
	}
	v.atMost(full("concurrency"), a.Concurrency, mostConcurrency, " calls at the same time")

	if !(a.LeastShare >= leastShare && a.LeastShare <= mostShare) {
		v.refuse(full("least_share"),
			fmt.Sprintf("must be from %g to %g, is %g", leastShare, mostShare, a.LeastShare),
			"0.05 gives bulk requests one call in twenty while there are enough urgent or normal ones")
	}

	d := a.Defaults
	for _, callback := range []struct {
		url, method string
		address     CallbackURL
		by          Method
	}{
		{"defaults.answer_url", "defaults.answer_method", d.AnswerURL, d.AnswerMethod},
		{"defaults.ring_url", "defaults.ring_method", d.RingURL, d.RingMethod},
		{"defaults.hangup_url", "defaults.hangup_method", d.HangupURL, d.HangupMethod},
	} {
		if !callback.address.IsZero() {
			v.refuseFault(full(callback.url), checkHTTPURL(callback.address.Reveal()))
		}
		oneOf(v, full(callback.method), callback.by, MethodPost, MethodGet)
	}
	v.atMost(full("defaults.ring_timeout"), d.RingTimeout, 600, " seconds")
	v.atMost(full("defaults.call_time_limit"), d.CallTimeLimit, 86400, " seconds")
}

// checkAPIKey judges a key, which travels in an HTTP header. The fault never
// holds any of it.
func checkAPIKey(key string) *fault {
	const fix = "copy the key again, alone and without quotes"
	if key == "" {
		return &fault{"is empty", fix}
	}
	if len(key) > longestValue {
		return &fault{fmt.Sprintf("is longer than %d bytes", longestValue), fix}
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &fault{"holds a space, a control character or one that is not ASCII", fix}
	}
	return nil
}
