package configs

import (
	"slices"
	"strings"
)

// Load is the configuration that a file and the environment describe.
//
// data is the content of the file, nil for none, and file its name for
// messages; ReadFile reads one. environ has the form of os.Environ. The
// environment beats the file, key by key. If anything is wrong the error is a
// Mistakes that lists all of it. Load touches no file.
func Load(file string, data []byte, environ []string) (Config, error) {
	return load(file, data, environ, Config.validate)
}

// Check is Load, and reads every file that the configuration names. It lists the
// mistakes of both: a wrong value does not hide that a file is missing.
func Check(file string, data []byte, environ []string) (Config, error) {
	return load(file, data, environ, Config.check)
}

// CheckForOperators is Check for commands that dial nothing. They need no
// account and no key: what is written is read as strictly, but only what they go
// by is judged, which is where the broker is, and what must be as the workers
// have it.
func CheckForOperators(file string, data []byte, environ []string) (Config, error) {
	return load(file, data, environ, func(c Config, unread map[string]bool) (picked Mistakes) {
		for _, m := range c.check(unread) {
			section, _, _ := strings.Cut(m.Key, ".")
			if slices.Contains([]string{"nats", "request", "records", "dead", "streams"}, section) {
				picked = append(picked, m)
			}
		}
		return picked
	})
}

func (c Config) check(unread map[string]bool) Mistakes {
	return append(c.validate(unread), c.checkFiles()...)
}

// loader gathers what the file and the environment say, and what is wrong with
// it.
type loader struct {
	file     string
	config   Config
	accounts map[string]*Account
	// settings are by full key, and keys in the order of the tables.
	settings map[string]setting
	keys     []string
	origins  map[string]Origin
	// unread holds the keys whose value could not be read, so that nothing is
	// concluded from the default that they still have.
	unread   map[string]bool
	mistakes Mistakes
}

func load(file string, data []byte, environ []string, judge func(c Config, unread map[string]bool) Mistakes) (Config, error) {
	l := &loader{
		file:     file,
		config:   Default(),
		accounts: map[string]*Account{},
		settings: map[string]setting{},
		origins:  map[string]Origin{},
		unread:   map[string]bool{},
	}
	l.add(l.config.settings())
	readable := l.readFile(data)
	l.readEnvironment(environ)
	l.preferEnvironment()

	c := l.config
	c.Provider.BaseURL = normaliseBaseURL(c.Provider.BaseURL)
	for name, account := range l.accounts {
		c.Accounts[name] = *account
	}
	c.origins = l.origins
	if readable { // otherwise it is not known what the file meant
		l.mistakes = append(l.mistakes, judge(c, l.unread)...)
	}
	if err := l.mistakes.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (l *loader) add(settings []setting) {
	for _, s := range settings {
		l.settings[s.key] = s
		l.keys = append(l.keys, s.key)
	}
}

func (l *loader) addAccount(name string) {
	account := DefaultAccount()
	l.accounts[name] = &account
	l.add(ofAccount(name, &account))
}

// set gives a setting its value, and remembers where it came from.
func (l *loader) set(key string, at Origin, text string) {
	if f := l.settings[key].parse(text); f != nil {
		l.refuse(key, at, f)
		return
	}
	l.origins[key] = at
	// A readable value of the environment stands in for an unreadable one of
	// the file; the file's mistake stays on the list.
	delete(l.unread, key)
}

// refuse notes what is wrong with a value.
func (l *loader) refuse(key string, at Origin, f *fault) {
	l.unread[key] = true
	l.note(key, at, f)
}

func (l *loader) note(key string, at Origin, f *fault) {
	l.mistakes = append(l.mistakes, Mistake{Origin: at, Key: key, Rule: f.rule, Fix: f.fix})
}

// preferEnvironment drops what the file says about a secret that the
// environment gives in the other of two ways: by itself, or by a file.
func (l *loader) preferEnvironment() {
	prefer := func(winner, loser string) {
		given := l.origins[winner].Variable != "" && l.settings[winner].text() != ""
		if given && l.origins[loser].File != "" {
			_ = l.settings[loser].parse("") // any text may be empty
			delete(l.origins, loser)
		}
	}
	for _, key := range l.keys {
		if _, ok := l.settings[key].target.(*Secret); ok {
			prefer(key, key+"_file")
			prefer(key+"_file", key)
		}
	}
}
