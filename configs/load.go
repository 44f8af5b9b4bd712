package configs

import (
	"slices"
	"strings"
)

// Load returns the configuration that a file and the environment describe.
//
// data is the content of the file, nil for none, and file its name for
// messages; ReadFile reads one. environ has the form of os.Environ. The
// environment overrides the file, key by key. The error is a ValidationErrors
// with everything that is wrong. Load reads no file.
func Load(file string, data []byte, environ []string) (Config, error) {
	return load(file, data, environ, Config.validate)
}

// Check is Load, and also reads every file that the configuration names: an
// invalid value does not hide a missing file.
func Check(file string, data []byte, environ []string) (Config, error) {
	return load(file, data, environ, Config.check)
}

// CheckForOperators is Check for commands that dial nothing and need no account
// or key: everything is parsed as strictly, but only the settings that such
// commands use are validated.
func CheckForOperators(file string, data []byte, environ []string) (Config, error) {
	return load(file, data, environ, func(c Config, unparsed map[string]bool) (relevant ValidationErrors) {
		for _, e := range c.check(unparsed) {
			section, _, _ := strings.Cut(e.Key, ".")
			if slices.Contains([]string{"nats", "request", "records", "dead", "streams"}, section) {
				relevant = append(relevant, e)
			}
		}
		return relevant
	})
}

func (c Config) check(unparsed map[string]bool) ValidationErrors {
	return append(c.validate(unparsed), c.checkFiles()...)
}

// loader collects the values of file and environment, and their errors.
type loader struct {
	file     string
	config   Config
	accounts map[string]*Account
	// settings are by full key, and keys in the order of the tables.
	settings map[string]setting
	keys     []string
	sources  map[string]Source
	// unparsed holds the keys whose value could not be parsed: the default that
	// they still have is not validated.
	unparsed map[string]bool
	errors   ValidationErrors
}

func load(file string, data []byte, environ []string, validate func(c Config, unparsed map[string]bool) ValidationErrors) (Config, error) {
	l := &loader{
		file:     file,
		config:   Default(),
		accounts: map[string]*Account{},
		settings: map[string]setting{},
		sources:  map[string]Source{},
		unparsed: map[string]bool{},
	}
	l.register(l.config.settings())
	readable := l.readFile(data)
	l.readEnvironment(environ)
	l.preferEnvironment()

	c := l.config
	c.Provider.BaseURL = normaliseBaseURL(c.Provider.BaseURL)
	for name, account := range l.accounts {
		c.Accounts[name] = *account
	}
	c.sources = l.sources
	if readable { // otherwise its values are unknown
		l.errors = append(l.errors, validate(c, l.unparsed)...)
	}
	if err := l.errors.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (l *loader) register(settings []setting) {
	for _, s := range settings {
		l.settings[s.key] = s
		l.keys = append(l.keys, s.key)
	}
}

func (l *loader) addAccount(name string) {
	account := DefaultAccount()
	l.accounts[name] = &account
	l.register(accountSettings(name, &account))
}

// set parses the value of a setting, and records its source.
func (l *loader) set(key string, source Source, text string) {
	if p := l.settings[key].parse(text); p != nil {
		l.reject(key, source, p)
		return
	}
	l.sources[key] = source
	// A valid value of the environment replaces an unparsed one of the file; the
	// file's error stays on the list.
	delete(l.unparsed, key)
}

// reject adds the error of a value that cannot be parsed.
func (l *loader) reject(key string, source Source, p *problem) {
	l.unparsed[key] = true
	l.add(key, source, p)
}

func (l *loader) add(key string, source Source, p *problem) {
	l.errors = append(l.errors, ValidationError{Source: source, Key: key, Rule: p.rule, Fix: p.fix})
}

// preferEnvironment drops a secret of the file that the environment sets by the
// other of its two keys: the secret itself, or its file.
func (l *loader) preferEnvironment() {
	prefer := func(winner, loser string) {
		given := l.sources[winner].Variable != "" && l.settings[winner].text() != ""
		if given && l.sources[loser].File != "" {
			_ = l.settings[loser].parse("") // a secret, or its file, may be empty
			delete(l.sources, loser)
		}
	}
	for _, key := range l.keys {
		if _, ok := l.settings[key].target.(*Secret); ok {
			prefer(key, key+"_file")
			prefer(key+"_file", key)
		}
	}
}
