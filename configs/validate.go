package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mostAccounts is what one set of streams serves: each account has four
// consumers on CALLS_PARKED, and the streams are made for 2,048.
const mostAccounts = 500

// Validate judges the configuration as a whole, without looking at the disk.
// The error is a Mistakes that lists everything that is wrong.
func (c Config) Validate() error { return c.validate(nil).err() }

// validate is Validate, but concludes nothing from the keys in unread, whose
// values are not what the operator meant.
func (c Config) validate(unread map[string]bool) (mistakes Mistakes) {
	// Comparing a value with one that is wrong in itself would only confuse.
	doubtful := map[string]bool{}
	maps.Copy(doubtful, unread)
	refuse := func(key string, f fault, others ...string) {
		if doubtful[key] || slices.ContainsFunc(others, func(other string) bool { return doubtful[other] }) {
			return
		}
		// A value that is wrong only beside another one can still be compared.
		doubtful[key] = len(others) == 0
		mistakes = append(mistakes, Mistake{c.origins[key], key, f.rule, f.fix})
	}
	for _, s := range c.all() {
		if f := s.judge(); f != nil {
			refuse(s.key, *f)
		}
	}
	for _, r := range c.comparisons() {
		if r.wrong {
			refuse(r.key, r.fault, r.others...)
		}
	}
	return mistakes
}

// comparison is a rule about a value beside others.
type comparison struct {
	wrong bool
	key   string
	fault
	others []string
}

func (c Config) comparisons() []comparison {
	const connect, request, initial = "provider.connect_timeout", "provider.request_timeout", "retry.initial_delay"
	n, p, say := c.NATS, c.Provider, fmt.Sprintf
	password := !n.Password.IsZero() || n.PasswordFile != ""
	leastKeep, busy := c.Request.MaxAge+p.keepMargin(), p.ClaimDeadline()+p.RequestTimeout
	lower := func(other string) string { return "raise it or lower " + other }
	all := []comparison{
		{p.RequestTimeout <= p.ConnectTimeout, request, fault{say("must be more than %s (%s), which it includes, is %s", connect, span(p.ConnectTimeout), span(p.RequestTimeout)), lower(connect)}, []string{connect}},
		{c.Retry.MaxDelay < c.Retry.InitialDelay, "retry.max_delay", fault{say("must be at least %s (%s), is %s", initial, span(c.Retry.InitialDelay), span(c.Retry.MaxDelay)), lower(initial)}, []string{initial}},
		{c.Dead.Keep < c.Records.Keep, "dead.keep", fault{say("must be at least records.keep (%s), is %s", span(c.Records.Keep), span(c.Dead.Keep)), lower("records.keep")}, []string{"records.keep"}},
		{c.Records.Keep < leastKeep, "records.keep", fault{
			say("must be at least %s, is %s: request.max_age (%s), the longest wait for a claim (%s) and an hour, because a request whose record is gone could be dialled again",
				span(leastKeep), span(c.Records.Keep), span(c.Request.MaxAge), span(p.ForeignClaimWait())),
			lower("request.max_age"),
		}, []string{"request.max_age", connect, request}},
		{c.ShutdownGrace <= busy, "shutdown_grace", fault{
			say("must be more than %s, is %s: twice %s and %s, which a call that is claimed may still need", span(busy), span(c.ShutdownGrace), connect, request),
			lower("the timeouts"),
		}, []string{connect, request}},
		{n.User != "" && !password, "nats.user", fault{"has no password", "give nats.password or nats.password_file"}, []string{"nats.password", "nats.password_file"}},
		{n.User == "" && password, "nats.user", fault{"is missing, but there is a password", "give nats.user, or nats.token if it is a token"}, nil},
		{n.TLS.CertFile != "" && n.TLS.KeyFile == "", "nats.tls.key_file", fault{"is missing, but nats.tls.cert_file is set", "give both or neither"}, nil},
		{n.TLS.KeyFile != "" && n.TLS.CertFile == "", "nats.tls.cert_file", fault{"is missing, but nats.tls.key_file is set", "give both or neither"}, nil},
		c.oneIdentity(),
		{len(c.Accounts) == 0, "accounts", fault{"there is none, and at least one is needed", "add accounts.default.api_key_file to the file, or set SFVOPI_API_KEY or SFVOPI_API_KEY_FILE"}, nil},
		{len(c.Accounts) > mostAccounts, "accounts", fault{say("there are %d, and one set of streams serves at most %d", len(c.Accounts), mostAccounts), "give some of them workers and a NATS account of their own, see docs/scaling.md"}, nil},
	}
	for _, a := range c.SortedAccounts() {
		key := accountKey(a.Name, "api_key")
		all = append(all,
			comparison{!accountNamePattern.MatchString(a.Name), "accounts." + plainOrQuoted(a.Name), fault{"is no account name: 1 to 32 of a-z, 0-9 and -", "rename it; it stands in the subjects of its requests"}, nil},
			comparison{a.APIKey.IsZero() && a.APIKeyFile == "", key, fault{"is missing", "give api_key_file, or api_key"}, []string{key + "_file"}})
	}
	given := map[string]bool{}
	for _, s := range c.all() { // a secret stands before its file
		given[s.key] = s.isText() && s.text() != ""
		inline, ok := strings.CutSuffix(s.key, "_file")
		all = append(all, comparison{ok && given[s.key] && given[inline], s.key, fault{"is set, and so is " + inline, "remove one of the two"}, nil})
	}
	return all
}

// oneIdentity demands at most one way to prove to NATS who we are.
func (c Config) oneIdentity() comparison {
	n := c.NATS
	var keys, ways []string
	for key, given := range map[string]bool{
		"nats.credentials_file": n.CredentialsFile != "",
		"nats.user":             n.User != "" || n.PasswordFile != "" || !n.Password.IsZero(),
		"nats.token":            !n.Token.IsZero(),
		"nats.token_file":       n.TokenFile != "" && n.Token.IsZero(),
		"nats.nkey_file":        n.NKeyFile != "",
	} {
		if given {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		ways = append(ways, strings.TrimSuffix(fmt.Sprintf("%s (%s)", key, c.origins[key]), " (default)"))
	}
	return comparison{len(keys) > 1, "nats", fault{
		"has more than one way to authenticate: " + strings.Join(ways, ", "),
		"keep one; an empty variable, such as RINGONCE_NATS_TOKEN=, clears a value of the file",
	}, nil}
}
