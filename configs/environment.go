package configs

import (
	"maps"
	"slices"
	"strings"
)

const (
	variablePrefix        = "RINGONCE_"
	accountVariablePrefix = variablePrefix + "ACCOUNTS_"
)

// shortNames are the customary names of a few settings. The systematic name of
// the same setting beats them: NATS_URL, for one, is often set for other
// programs, too.
var shortNames = map[string]string{
	"NATS_URL":            "nats.url",
	"NATS_CREDS_FILE":     "nats.credentials_file",
	"SFVOPI_BASE_URL":     "provider.base_url",
	"SFVOPI_API_KEY":      "accounts." + DefaultAccountName + ".api_key",
	"SFVOPI_API_KEY_FILE": "accounts." + DefaultAccountName + ".api_key_file",
	"RINGONCE_HTTP_ADDR":  "http.address",
}

// readEnvironment applies the variables that are ours.
//
// Accounts are named in one place: by the file, if it names any, else by the
// environment. A mistyped name, or a key left over from another deployment,
// would otherwise start an account that nobody asked for.
func (l *loader) readEnvironment(environ []string) {
	variables := ours(environ)
	open := len(l.accounts) == 0

	names := slices.Sorted(maps.Keys(variables))
	isShort := func(name string) bool { return shortNames[name] != "" }
	// Short names first, so that the systematic ones replace them.
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case isShort(a) == isShort(b):
			return 0
		case isShort(a):
			return -1
		default:
			return 1
		}
	})
	for _, name := range names {
		at := Origin{Variable: plainOrQuoted(name)}
		if key, ok := shortNames[name]; ok {
			l.setVariable(key, at, variables[name], open)
			continue
		}
		if key, ok := l.keyOf(name); ok {
			l.setVariable(key, at, variables[name], open)
			continue
		}
		l.note(Mistake{
			Origin: at,
			Rule:   "there is no such variable",
			Fix:    didYouMean(name, l.knownVariables(), "remove it; all names begin with RINGONCE_, and docs/configuration.md lists them"),
		})
	}
}

// setVariable sets the setting with a full key that is known to be one.
func (l *loader) setVariable(key string, at Origin, text string, open bool) {
	rest, ofAccount := strings.CutPrefix(key, "accounts.")
	if !ofAccount {
		for _, s := range l.config.settings() {
			if s.key == key {
				l.set(s, at, text)
			}
		}
		return
	}
	name, rest, _ := strings.Cut(rest, ".")
	account, named := l.accounts[name]
	if !named && !open {
		l.note(Mistake{
			Origin: at,
			Key:    key,
			Rule:   "the file names its accounts, and none is " + quote(name),
			Fix:    "add " + accountKey(name, "") + " to the file or remove the variable; the file has " + strings.Join(slices.Sorted(maps.Keys(l.accounts)), ", "),
		})
		return
	}
	if !named {
		created := DefaultAccount()
		account = &created
		l.accounts[name] = account
	}
	for _, s := range account.settings() {
		if s.key == rest {
			l.set(setting{key, s.target}, at, text)
		}
	}
}

// keyOf is the full key that a systematic variable stands for.
func (l *loader) keyOf(name string) (string, bool) {
	for _, s := range l.config.settings() {
		if variable(s.key) == name {
			return s.key, true
		}
	}
	rest, ok := strings.CutPrefix(name, accountVariablePrefix)
	if !ok {
		return "", false
	}
	// No account setting's name ends in that of another, and no account's name
	// holds a '_', so at most one reading exists.
	account := Account{}
	for _, s := range account.settings() {
		upper, ok := strings.CutSuffix(rest, strings.TrimPrefix(variable(s.key), "RINGONCE"))
		accountName := strings.ReplaceAll(strings.ToLower(upper), "_", "-")
		if ok && upper == strings.ToUpper(upper) && !strings.Contains(upper, "-") && accountNamePattern.MatchString(accountName) {
			return accountKey(accountName, s.key), true
		}
	}
	return "", false
}

// knownVariables are the names that a mistyped one may have meant.
func (l *loader) knownVariables() []string {
	known := []string{"RINGONCE_HTTP_ADDR"}
	for _, s := range l.config.settings() {
		known = append(known, variable(s.key))
	}
	accounts := slices.Sorted(maps.Keys(l.accounts))
	if len(accounts) == 0 {
		accounts = []string{DefaultAccountName}
	}
	account := Account{}
	for _, name := range accounts {
		for _, s := range account.settings() {
			known = append(known, variable(accountKey(name, s.key)))
		}
	}
	return known
}

// ours picks the variables that are meant for ringonce; of a name given twice
// the last wins.
func ours(environ []string) map[string]string {
	variables := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && (shortNames[name] != "" || strings.HasPrefix(name, variablePrefix)) {
			variables[name] = value
		}
	}
	for name := range variables {
		if service, ok := strings.CutSuffix(name, "_SERVICE_HOST"); ok {
			dropServiceLinks(variables, service)
		}
	}
	return variables
}

// dropServiceLinks removes what Kubernetes puts into every pod for a Service
// whose name begins with "ringonce" (RINGONCE_SERVICE_HOST, RINGONCE_PORT,
// RINGONCE_PORT_8080_TCP_ADDR, …): nobody mistyped those.
func dropServiceLinks(variables map[string]string, service string) {
	for name := range variables {
		if name == service+"_PORT" || strings.HasPrefix(name, service+"_PORT_") || strings.HasPrefix(name, service+"_SERVICE_") {
			delete(variables, name)
		}
	}
}
