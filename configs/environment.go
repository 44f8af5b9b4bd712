package configs

import (
	"maps"
	"slices"
	"strings"
)

const (
	variablePrefix        = "RINGONCE_"
	accountVariablePrefix = variablePrefix + "ACCOUNTS_"
	// fileVariable names the configuration file, and is no setting.
	fileVariable = variablePrefix + "CONFIG"
)

// File is the configuration file to read: the flag's, or else the one that the
// environment names; empty for none.
func File(flag string, environ []string) string {
	if flag != "" {
		return flag
	}
	file := ""
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, fileVariable+"="); ok {
			file = value
		}
	}
	return file
}

// readEnvironment applies the variables that are ours.
//
// Accounts are named in one place: by the file, if it names any, else by the
// environment. A mistyped name, or a key left over from another deployment,
// would otherwise start an account that was never asked for.
func (l *loader) readEnvironment(environ []string) {
	variables := ours(environ)
	open := len(l.accounts) == 0
	named := strings.Join(slices.Sorted(maps.Keys(l.accounts)), ", ")

	names := slices.Sorted(maps.Keys(variables))
	// Short names first, so that the systematic ones replace them.
	slices.SortStableFunc(names, func(a, b string) int { return len(shortNames[b]) - len(shortNames[a]) })
	for _, name := range names {
		key, at := keyOf(name), Origin{Variable: plainOrQuoted(name)}
		rest, ofAccount := strings.CutPrefix(key, "accounts.")
		account, _, _ := strings.Cut(rest, ".")
		switch unnamed := ofAccount && l.accounts[account] == nil; {
		case key == "":
			fix := didYouMean(name, l.variables(), "remove it; all names begin with RINGONCE_, and docs/configuration.md lists them")
			l.note("", at, &fault{"there is no such variable", fix})
		case unnamed && !open:
			l.note(key, at, &fault{
				"the file names its accounts, and none is " + quote(account),
				"add accounts." + account + " to the file or remove the variable; the file has " + named,
			})
		case unnamed:
			l.addAccount(account)
			fallthrough
		default:
			l.set(key, at, variables[name])
		}
	}
}

// keyOf is the full key that a variable stands for, or "".
func keyOf(name string) string {
	if key := shortNames[name]; key != "" {
		return key
	}
	for _, s := range new(Config).settings() {
		if variable(s.key) == name {
			return s.key
		}
	}
	rest, _ := strings.CutPrefix(name, accountVariablePrefix)
	// No account setting's name ends in that of another, and no account's name
	// holds a '_', so at most one reading exists.
	for _, s := range new(Account).settings() {
		upper, ok := strings.CutSuffix(rest, "_"+strings.TrimPrefix(variable(s.key), variablePrefix))
		account := strings.ReplaceAll(strings.ToLower(upper), "_", "-")
		key := accountKey(account, s.key)
		if ok && accountNamePattern.MatchString(account) && variable(key) == name {
			return key
		}
	}
	return ""
}

// variables are the names that a mistyped one may have meant.
func (l *loader) variables() []string {
	known := []string{"RINGONCE_HTTP_ADDR", fileVariable}
	for _, key := range l.possibleKeys() {
		known = append(known, variable(key))
	}
	return known
}

// possibleKeys are the keys of all accounts, or of one if none is named.
func (l *loader) possibleKeys() []string {
	keys := slices.Clone(l.keys)
	if len(l.accounts) == 0 {
		for _, s := range ofAccount(DefaultAccountName, new(Account)) {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// ours picks the variables that are meant for ringonce; of a name given twice
// the last wins.
func ours(environ []string) map[string]string {
	variables := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && (shortNames[name] != "" || strings.HasPrefix(strings.ToUpper(name), variablePrefix)) && name != fileVariable {
			variables[name] = value
		}
	}
	// Kubernetes puts variables into every pod for a Service whose name begins
	// with "ringonce" (RINGONCE_SERVICE_HOST, RINGONCE_PORT,
	// RINGONCE_PORT_8080_TCP_ADDR, …): those were never mistyped.
	for _, host := range slices.Sorted(maps.Keys(variables)) {
		service, ok := strings.CutSuffix(host, "_SERVICE_HOST")
		maps.DeleteFunc(variables, func(name, _ string) bool {
			return ok && (name == service+"_PORT" || strings.HasPrefix(name, service+"_PORT_") || strings.HasPrefix(name, service+"_SERVICE_"))
		})
	}
	return variables
}
