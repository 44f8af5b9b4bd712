package configs

import (
	"maps"
	"slices"
	"strings"
)

const (
	variablePrefix        = "RINGONCE_"
	accountVariablePrefix = variablePrefix + "ACCOUNTS_"
	// fileVariable names the configuration file; it is not a setting.
	fileVariable = variablePrefix + "CONFIG"
)

// FilePath returns the configuration file to read: that of the flag, or else of
// the environment; empty for none.
func FilePath(flag string, environ []string) string {
	path := ""
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, fileVariable+"="); ok {
			path = value
		}
	}
	if flag != "" {
		return flag
	}
	return path
}

// readEnvironment applies our variables.
//
// Accounts are defined in one place: by the file, if it defines any, else by the
// environment. Otherwise a mistyped name, or a key left over from another
// deployment, would start an account that the operator did not configure.
func (l *loader) readEnvironment(environ []string) {
	variables := ownVariables(environ)
	open := len(l.accounts) == 0
	defined := strings.Join(slices.Sorted(maps.Keys(l.accounts)), ", ")

	names := slices.Sorted(maps.Keys(variables))
	// Short names first, so that the systematic ones override them.
	slices.SortStableFunc(names, func(a, b string) int { return len(shortNames[b]) - len(shortNames[a]) })
	for _, name := range names {
		key, source := keyOfVariable(name), Source{Variable: quoteUnlessPlain(name)}
		rest, ofAccount := strings.CutPrefix(key, "accounts.")
		account, _, _ := strings.Cut(rest, ".")
		switch undefined := ofAccount && l.accounts[account] == nil; {
		case key == "":
			fix := suggest(name, l.knownVariables(), "remove it; docs/configuration.md lists all variables")
			l.add("", source, &problem{"unknown variable", fix})
		case undefined && !open:
			l.add(key, source, &problem{
				"the file defines accounts, but not " + quote(account),
				"add accounts." + account + " to the file, or remove the variable; the file defines " + defined,
			})
		case undefined:
			l.addAccount(account)
			fallthrough
		default:
			l.set(key, source, variables[name])
		}
	}
}

// keyOfVariable returns the full key that a variable sets, or "".
func keyOfVariable(name string) string {
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
	// contains a '_', so at most one reading exists.
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

// knownVariables are the names that a mistyped one may have meant.
func (l *loader) knownVariables() []string {
	known := []string{"RINGONCE_HTTP_ADDR", fileVariable}
	for _, key := range l.knownKeys() {
		known = append(known, variable(key))
	}
	return known
}

// knownKeys are the keys of all accounts, or of one if none is defined.
func (l *loader) knownKeys() []string {
	keys := slices.Clone(l.keys)
	if len(l.accounts) == 0 {
		for _, s := range accountSettings(DefaultAccountName, new(Account)) {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// ownVariables returns the variables that are meant for ringonce; of a name given
// twice the last wins.
func ownVariables(environ []string) map[string]string {
	variables := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && (shortNames[name] != "" || strings.HasPrefix(strings.ToUpper(name), variablePrefix)) && name != fileVariable {
			variables[name] = value
		}
	}
	// Kubernetes sets variables in every pod for a Service whose name begins with
	// "ringonce" (RINGONCE_SERVICE_HOST, RINGONCE_PORT,
	// RINGONCE_PORT_8080_TCP_ADDR, …): those are not settings.
	for _, host := range slices.Sorted(maps.Keys(variables)) {
		service, ok := strings.CutSuffix(host, "_SERVICE_HOST")
		maps.DeleteFunc(variables, func(name, _ string) bool {
			return ok && (name == service+"_PORT" || strings.HasPrefix(name, service+"_PORT_") || strings.HasPrefix(name, service+"_SERVICE_"))
		})
	}
	return variables
}
