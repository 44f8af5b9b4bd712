package configs

// loader gathers what the file and the environment say, and what is wrong with
// it.
type loader struct {
	file     string
	config   Config
	accounts map[string]*Account
	origins  map[string]Origin
	// unread holds the keys whose value could not be read, so that nothing is
	// concluded from the default that they still have.
	unread   map[string]bool
	mistakes Mistakes
}

// Load is the configuration that a file and the environment describe.
//
// data is the content of the file, nil for none, and file its name for
// messages; ReadFile reads one. environ has the form of os.Environ. The
// environment beats the file, key by key. If anything is wrong the error is a
// Mistakes that lists all of it. Load touches no file: CheckFiles looks at those
// that the configuration names.
func Load(file string, data []byte, environ []string) (Config, error) {
	c, mistakes := load(file, data, environ, all)
	return usable(c, mistakes)
}

// Check is Load and CheckFiles in one, with the mistakes of both: what is wrong
// with a value does not hide that a file is missing.
func Check(file string, data []byte, environ []string) (Config, error) {
	c, mistakes := load(file, data, environ, all)
	return usable(c, append(mistakes, checkFiles(c)...))
}

func all(m Mistakes) Mistakes { return m }

// usable is a configuration without mistakes, or an error.
func usable(c Config, mistakes Mistakes) (Config, error) {
	if err := mistakes.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// load reads and judges. counted picks the mistakes in values that count.
func load(file string, data []byte, environ []string, counted func(Mistakes) Mistakes) (Config, Mistakes) {
	l := &loader{
		file:     file,
		config:   Default(),
		accounts: map[string]*Account{},
		origins:  map[string]Origin{},
		unread:   map[string]bool{},
	}
	readable := l.readFile(data)
	l.readEnvironment(environ)
	if !readable {
		// What the file meant is not known, so there is nothing to validate.
		return Config{}, l.mistakes
	}
	l.preferEnvironment()

	c := l.config
	c.Provider.BaseURL = normaliseBaseURL(c.Provider.BaseURL)
	for name, account := range l.accounts {
		c.Accounts[name] = *account
	}
	c.origins = l.origins
	return c, append(l.mistakes, counted(c.validate(l.unread))...)
}

// set gives a setting its value, and remembers where it came from.
func (l *loader) set(s setting, at Origin, text string) {
	if f := parse(s.target, text); f != nil {
		l.noteFault(s.key, at, f)
		return
	}
	l.origins[s.key] = at
	// A readable value of the environment stands in for an unreadable one of
	// the file; the file's mistake stays on the list.
	delete(l.unread, s.key)
}

func (l *loader) note(m Mistake) { l.mistakes = append(l.mistakes, m) }

func (l *loader) noteFault(key string, at Origin, f *fault) {
	l.unread[key] = true
	l.note(Mistake{Origin: at, Key: key, Rule: f.rule, Fix: f.fix})
}

// preferEnvironment drops what the file says about a secret that the
// environment gives in the other of two ways.
func (l *loader) preferEnvironment() {
	l.preferIn("", l.config.settings(), alternatives)
	for name, account := range l.accounts {
		l.preferIn(accountKey(name, "")+".", account.settings(), accountAlternatives)
	}
}

func (l *loader) preferIn(prefix string, settings []setting, pairs [][2]string) {
	targets := map[string]any{}
	for _, s := range settings {
		targets[s.key] = s.target
	}
	prefer := func(winner, loser string) {
		given := l.origins[prefix+winner].Variable != "" && show(targets[winner]) != ""
		if given && l.origins[prefix+loser].File != "" {
			// The empty text is readable for each of these settings.
			_ = parse(targets[loser], "")
			delete(l.origins, prefix+loser)
		}
	}
	for _, pair := range pairs {
		fromBoth := l.origins[prefix+pair[0]].Variable != "" && l.origins[prefix+pair[1]].Variable != ""
		if fromBoth {
			continue
		}
		prefer(pair[0], pair[1])
		prefer(pair[1], pair[0])
	}
}
