package configs

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// minSigningKey is the length of a key in bytes: that of what HMAC-SHA-256
	// computes, so that it is not the weakest part.
	minSigningKey = 32
	// maxSigningKeys bounds what a forged token costs: all keys are tried.
	maxSigningKeys = 8
	// maxPublicURL leaves room for a token: publishers' URLs have 2048 bytes, too.
	maxPublicURL = 512
)

// ReadKeys returns the keys of callbacks.key or its file, which is read with every
// call: the first signs, all verify. No error contains any of them. Without either
// setting there are none.
func (c Callbacks) ReadKeys() ([]Secret, error) {
	return readKeys("the keys of callbacks", c.Key, c.KeyFile)
}

// ReadRelayKeys returns the keys of callbacks.relay_key or its file, likewise.
func (c Callbacks) ReadRelayKeys() ([]Secret, error) {
	return readKeys("the keys of relays", c.RelayKey, c.RelayKeyFile)
}

func readKeys(what string, inline Secret, path string) ([]Secret, error) {
	text := inline.Reveal()
	if path != "" {
		data, err := readText(path, maxSecretFile)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", what, err)
		}
		text = strings.TrimRight(string(data), "\r\n")
	}
	if text == "" {
		return nil, nil
	}
	if p := cmp.Or(checkLines(text, true), checkKeys(text)); p != nil {
		return nil, fmt.Errorf("reading %s: %s %s; %s", what, cmp.Or(path, "the setting"), p.rule, p.fix)
	}
	var keys []Secret
	for _, line := range splitLines(text) {
		keys = append(keys, NewSecret(line))
	}
	return keys, nil
}

// checkKeys checks the form of keys that sign. The problem contains none of them.
func checkKeys(text string) *problem {
	const fix = "write one key a line, such as the output of: openssl rand -base64 48"
	keys := splitLines(text)
	for n, key := range keys {
		switch {
		case key == "":
			return &problem{fmt.Sprintf("has an empty line %d", n+1), "remove it"}
		case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
			return &problem{fmt.Sprintf("has a line %d that contains a space or a non-ASCII character", n+1), fix}
		case len(key) < minSigningKey:
			return &problem{fmt.Sprintf("has a key of %d bytes in line %d, and needs at least %d", len(key), n+1, minSigningKey), fix}
		case slices.Contains(keys[:n], key):
			return &problem{fmt.Sprintf("has a line %d that repeats another", n+1), "remove it"}
		}
	}
	if len(keys) > maxSigningKeys {
		return &problem{fmt.Sprintf("has %d keys, at most %d are allowed", len(keys), maxSigningKeys), "remove those that are no longer in use"}
	}
	return nil
}

func checkKeysFile(path string) error {
	_, err := readKeys("keys", Secret{}, path)
	return err
}

// checkPublicURL checks the URL to which the paths of hooks are appended.
func checkPublicURL(text string) *problem {
	u, p := checkURL(text, "write it like https://calls.example.com", "http", "https")
	switch {
	case p != nil:
		return p
	case len(text) > maxPublicURL:
		return &problem{fmt.Sprintf("is longer than %d bytes", maxPublicURL), "shorten it"}
	case strings.ContainsAny(text, "?#"):
		return &problem{"must not have a query or a fragment", "remove the part from ? or # on"}
	case u.Scheme == "http" && !isLoopback(u):
		return &problem{"must begin with https://, unless its host is localhost or a loopback address", "use https: whoever reads the URL of a hook can report the end of a call"}
	}
	return nil
}

func isLoopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || err == nil && ip.IsLoopback()
}

// checks are the rules on settings of callbacks that depend on each other.
func (c Callbacks) checks() []crossCheck {
	missing := func(setting string) problem {
		return problem{"is missing, but " + setting + " is set", "set callbacks.key_file or callbacks.key"}
	}
	const key = "callbacks.key"
	none := c.Key.IsZero() && c.KeyFile == ""
	return []crossCheck{
		{none && c.PublicURL != "", key, missing("callbacks.public_url"), []string{key + "_file"}},
		{none && c.PublicURL == "" && c.Address != "", key, missing("callbacks.address"), []string{key + "_file"}},
	}
}

// redialChecks are the rules on the redials of an account.
func (c Config) redialChecks(a NamedAccount) []crossCheck {
	const shortest, maxAge, publicURL = "request.min_redial_delay", "request.max_age", "callbacks.public_url"
	r, format := a.Redial, fmt.Sprintf
	on, rounds, delay := accountKey(a.Name, "redial.on"), accountKey(a.Name, "redial.rounds"), accountKey(a.Name, "redial.delay")
	planned := len(r.On) > 0 || r.Rounds != 0 || r.Delay != 0
	incomplete := problem{"is missing, but another setting of redial is set", "set on, rounds and delay, or none of them"}
	return []crossCheck{
		{planned && len(r.On) == 0, on, incomplete, nil},
		{planned && r.Rounds == 0, rounds, incomplete, nil},
		{planned && r.Delay == 0, delay, incomplete, nil},
		{planned && c.Callbacks.PublicURL == "", accountKey(a.Name, "redial"), problem{
			"is set, but " + publicURL + " is not: no round would ever begin, as nobody hears how a call ended",
			"set " + publicURL + ", or remove redial",
		}, []string{publicURL}},
		{r.Delay%time.Second != 0, delay, problem{"must be whole seconds, is " + duration(r.Delay).String(), "round it"}, nil},
		{r.Delay > 0 && r.Delay < c.Request.MinRedialDelay, delay, problem{
			format("must be at least %s (%s), is %s", shortest, duration(c.Request.MinRedialDelay), duration(r.Delay)), "lengthen it or lower " + shortest,
		}, []string{shortest}},
		{r.Delay >= c.Request.MaxAge, delay, problem{
			format("must be less than %s (%s), after which no round begins, is %s", maxAge, duration(c.Request.MaxAge), duration(r.Delay)), "shorten it or raise " + maxAge,
		}, []string{maxAge}},
	}
}

// Note is what a valid configuration does that its operator may not expect.
type Note struct{ Key, Text string }

func (n Note) String() string { return n.Key + " " + n.Text }

// Notes returns the notes on a valid configuration.
func (c Config) Notes() []Note {
	var notes []Note
	for _, a := range c.SortedAccounts() {
		if a.MaxOpenCalls > 0 && c.Callbacks.PublicURL == "" {
			notes = append(notes, Note{
				accountKey(a.Name, "max_open_calls"),
				"is set, but callbacks.public_url is not: slots are freed by time alone, as nobody hears that a call has ended",
			})
		}
	}
	return notes
}
