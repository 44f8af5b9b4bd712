package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// mostAccounts is what one set of streams serves: each account has four
// consumers on CALLS_PARKED, and the streams are made for 2,048.
const mostAccounts = 500

// Validate judges the configuration as a whole, without looking at the disk.
// The error is a Mistakes that lists everything that is wrong.
func (c Config) Validate() error { return c.validate(nil).err() }

// validate is Validate, but concludes nothing from the keys in unread, whose
// values are not what the operator meant.
func (c Config) validate(unread map[string]bool) Mistakes {
	v := &validator{origins: c.origins, doubtful: map[string]bool{}}
	maps.Copy(v.doubtful, unread)
	settings := c.all()
	for _, s := range settings {
		if f := s.judge(); f != nil {
			v.refuse(s.key, f.rule, f.fix)
		}
	}
	v.twoPlaces(settings)
	v.authentication(c.NATS)
	v.spans(c)
	v.accounts(c)
	return v.mistakes
}

// validator gathers mistakes in values.
type validator struct {
	origins map[string]Origin
	// doubtful holds the keys whose values are wrong in themselves: comparing
	// another value with them would only confuse.
	doubtful map[string]bool
	mistakes Mistakes
}

// refuse notes a mistake, unless the value or one that it was compared with is
// known to be wrong already.
func (v *validator) refuse(key, rule, fix string, comparedWith ...string) {
	if v.doubtful[key] || slices.ContainsFunc(comparedWith, func(other string) bool { return v.doubtful[other] }) {
		return
	}
	// A value that is wrong only beside another one can still be compared.
	if len(comparedWith) == 0 {
		v.doubtful[key] = true
	}
	v.mistakes = append(v.mistakes, Mistake{Origin: v.origins[key], Key: key, Rule: rule, Fix: fix})
}

// twoPlaces refuses a secret that is given both by itself and by a file.
func (v *validator) twoPlaces(settings []setting) {
	given := map[string]bool{}
	for _, s := range settings {
		given[s.key] = s.isText() && s.text() != ""
	}
	for _, s := range settings {
		if inline, ok := strings.CutSuffix(s.key, "_file"); ok && given[s.key] && given[inline] {
			v.refuse(s.key, "is set, and so is "+inline, "remove one of the two")
		}
	}
}

// authentication demands at most one way to prove to NATS who we are.
func (v *validator) authentication(n NATS) {
	passwords := !n.Password.IsZero() || n.PasswordFile != ""
	switch {
	case n.User != "" && !passwords:
		v.refuse("nats.user", "has no password", "give nats.password or nats.password_file", "nats.password", "nats.password_file")
	case n.User == "" && passwords:
		v.refuse("nats.user", "is missing, but there is a password", "give nats.user, or nats.token if it is a token")
	}
	switch {
	case n.TLS.CertFile != "" && n.TLS.KeyFile == "":
		v.refuse("nats.tls.key_file", "is missing, but nats.tls.cert_file is set", "give both or neither")
	case n.TLS.KeyFile != "" && n.TLS.CertFile == "":
		v.refuse("nats.tls.cert_file", "is missing, but nats.tls.key_file is set", "give both or neither")
	}

	tokenKey := "nats.token"
	if n.TokenFile != "" {
		tokenKey = "nats.token_file"
	}
	var chosen, ways []string
	choose := func(key string, given bool) {
		if !given {
			return
		}
		way := key
		if at := v.origins[key]; at != (Origin{}) {
			way += " (" + at.String() + ")"
		}
		chosen, ways = append(chosen, key), append(ways, way)
	}
	choose("nats.credentials_file", n.CredentialsFile != "")
	choose("nats.user", n.User != "" || passwords)
	choose(tokenKey, !n.Token.IsZero() || n.TokenFile != "")
	choose("nats.nkey_file", n.NKeyFile != "")
	if len(chosen) > 1 {
		v.refuse("nats", "has more than one way to authenticate: "+strings.Join(ways, ", "),
			"keep one; an empty variable, such as "+variable(chosen[0])+"=, clears a value of the file")
	}
}

// spans judges durations against each other.
func (v *validator) spans(c Config) {
	const connect, request = "provider.connect_timeout", "provider.request_timeout"
	show := formatDuration
	p := c.Provider
	if p.RequestTimeout <= p.ConnectTimeout {
		v.refuse(request, fmt.Sprintf("must be more than %s (%s), which it includes, is %s", connect, show(p.ConnectTimeout), show(p.RequestTimeout)),
			"raise it or lower "+connect, connect)
	}
	v.atLeast("retry.max_delay", c.Retry.MaxDelay, "retry.initial_delay", c.Retry.InitialDelay)
	if least := c.Request.MaxAge + p.keepMargin(); c.Records.Keep < least {
		v.refuse("records.keep",
			fmt.Sprintf("must be at least %s, is %s: request.max_age (%s), the longest wait for a claim (%s) and an hour, because a request whose record is gone could be dialled again",
				show(least), show(c.Records.Keep), show(c.Request.MaxAge), show(p.ForeignClaimWait())),
			"raise it or lower request.max_age", "request.max_age", connect, request)
	}
	v.atLeast("dead.keep", c.Dead.Keep, "records.keep", c.Records.Keep)
	if busy := p.ClaimDeadline() + p.RequestTimeout; c.ShutdownGrace <= busy {
		v.refuse("shutdown_grace",
			fmt.Sprintf("must be more than %s, is %s: twice %s and %s, which a call that is claimed may still need", show(busy), show(c.ShutdownGrace), connect, request),
			"raise it or lower the timeouts", connect, request)
	}
}

func (v *validator) atLeast(key string, d time.Duration, other string, least time.Duration) {
	if d < least {
		v.refuse(key, fmt.Sprintf("must be at least %s (%s), is %s", other, formatDuration(least), formatDuration(d)), "raise it or lower "+other, other)
	}
}

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
			v.refuse("accounts."+plainOrQuoted(account.Name), "is no account name: 1 to 32 of a-z, 0-9 and -", "rename it; it stands in the subjects of its requests")
		}
		if account.APIKey.IsZero() && account.APIKeyFile == "" {
			v.refuse(accountKey(account.Name, "api_key"), "is missing", "give api_key_file, or api_key", accountKey(account.Name, "api_key_file"))
		}
	}
}
