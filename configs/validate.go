package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxAccounts is how many accounts one set of streams serves: each has four
// consumers on CALLS_PARKED, which allows 2,048.
const maxAccounts = 500

// Validate checks the configuration as a whole, and reads no file. The error is a
// ValidationErrors with everything that is wrong.
func (c Config) Validate() error { return c.validate(nil).err() }

// validate is Validate, but skips the keys in unparsed, whose values are not what
// the operator meant.
func (c Config) validate(unparsed map[string]bool) (errs ValidationErrors) {
	// A value is not compared with one that is invalid by itself.
	invalid := map[string]bool{}
	maps.Copy(invalid, unparsed)
	reject := func(key string, p problem, others ...string) {
		if invalid[key] || slices.ContainsFunc(others, func(other string) bool { return invalid[other] }) {
			return
		}
		// A value that only conflicts with another can still be compared.
		invalid[key] = len(others) == 0
		errs = append(errs, ValidationError{c.sources[key], key, p.rule, p.fix})
	}
	for _, s := range c.allSettings() {
		if p := s.check(); p != nil {
			reject(s.key, *p)
		}
	}
	for _, check := range c.crossChecks() {
		if check.failed {
			reject(check.key, check.problem, check.others...)
		}
	}
	return errs
}

// crossCheck is a rule on a value that depends on others.
type crossCheck struct {
	failed bool
	key    string
	problem
	others []string
}

func (c Config) crossChecks() []crossCheck {
	const connect, request, initial = "provider.connect_timeout", "provider.request_timeout", "retry.initial_delay"
	n, p, format := c.NATS, c.Provider, fmt.Sprintf
	password := !n.Password.IsZero() || n.PasswordFile != ""
	minKeep, callTime := c.Request.MaxAge+p.retentionMargin(), p.ClaimDeadline()+p.RequestTimeout
	lower := func(other string) string { return "raise it or lower " + other }
	all := []crossCheck{
		{p.RequestTimeout <= p.ConnectTimeout, request, problem{format("must be more than %s (%s), which it includes, is %s", connect, duration(p.ConnectTimeout), duration(p.RequestTimeout)), lower(connect)}, []string{connect}},
		{c.Retry.MaxDelay < c.Retry.InitialDelay, "retry.max_delay", problem{format("must be at least %s (%s), is %s", initial, duration(c.Retry.InitialDelay), duration(c.Retry.MaxDelay)), lower(initial)}, []string{initial}},
		{c.Dead.Keep < c.Records.Keep, "dead.keep", problem{format("must be at least records.keep (%s), is %s", duration(c.Records.Keep), duration(c.Dead.Keep)), lower("records.keep")}, []string{"records.keep"}},
		{c.Records.Keep < minKeep, "records.keep", problem{
			format("must be at least %s, is %s: request.max_age (%s), the longest wait for a claim (%s) and an hour, because a request whose record is gone could be dialled twice",
				duration(minKeep), duration(c.Records.Keep), duration(c.Request.MaxAge), duration(p.ClaimWait())),
			lower("request.max_age"),
		}, []string{"request.max_age", connect, request}},
		{c.ShutdownGrace <= callTime, "shutdown_grace", problem{
			format("must be more than %s, is %s: twice %s and %s, which a claimed call may need", duration(callTime), duration(c.ShutdownGrace), connect, request),
			lower("the timeouts"),
		}, []string{connect, request}},
		{n.User != "" && !password, "nats.user", problem{"has no password", "set nats.password or nats.password_file"}, []string{"nats.password", "nats.password_file"}},
		{n.User == "" && password, "nats.user", problem{"is missing, but a password is set", "set nats.user, or nats.token if it is a token"}, nil},
		{n.TLS.CertFile != "" && n.TLS.KeyFile == "", "nats.tls.key_file", problem{"is missing, but nats.tls.cert_file is set", "set both or neither"}, nil},
		{n.TLS.KeyFile != "" && n.TLS.CertFile == "", "nats.tls.cert_file", problem{"is missing, but nats.tls.key_file is set", "set both or neither"}, nil},
		c.checkAuthMethods(),
		{len(c.Accounts) == 0, "accounts", problem{"no account is configured", "add accounts.default.api_key_file to the file, or set SFVOPI_API_KEY or SFVOPI_API_KEY_FILE"}, nil},
		{len(c.Accounts) > maxAccounts, "accounts", problem{format("%d accounts are configured, and one set of streams serves at most %d", len(c.Accounts), maxAccounts), "move some to workers and a NATS account of their own; see docs/scaling.md"}, nil},
	}
	for _, a := range c.SortedAccounts() {
		key := accountKey(a.Name, "api_key")
		all = append(all,
			crossCheck{!accountNamePattern.MatchString(a.Name), "accounts." + quoteUnlessPlain(a.Name), problem{"is not an account name: 1 to 32 of a-z, 0-9 and -", "rename it; the name is part of its subjects"}, nil},
			crossCheck{a.APIKey.IsZero() && a.APIKeyFile == "", key, problem{"is missing", "set api_key_file or api_key"}, []string{key + "_file"}})
	}
	given := map[string]bool{}
	for _, s := range c.allSettings() { // a secret precedes its file
		given[s.key] = s.isText() && s.text() != ""
		inline, ok := strings.CutSuffix(s.key, "_file")
		all = append(all, crossCheck{ok && given[s.key] && given[inline], s.key, problem{"is set as well as " + inline, "remove one of the two"}, nil})
	}
	return all
}

// checkAuthMethods allows at most one way to authenticate to NATS.
func (c Config) checkAuthMethods() crossCheck {
	n := c.NATS
	var keys, methods []string
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
		methods = append(methods, strings.TrimSuffix(fmt.Sprintf("%s (%s)", key, c.sources[key]), " (default)"))
	}
	return crossCheck{len(keys) > 1, "nats", problem{
		"has more than one authentication method: " + strings.Join(methods, ", "),
		"keep one; an empty variable, such as RINGONCE_NATS_TOKEN=, clears a value of the file",
	}, nil}
}
