package sfvopi

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/ringonce/ringonce/call"
)

// secretsOf are what the provider must not have us store or log when it repeats
// a request: the key, the proxy's password, and what the callback URLs carry.
func (c *Client) secretsOf(r call.Request, key string) []string {
	secrets := c.secrets(key)
	for _, u := range []string{r.AnswerURL, r.RingURL, r.HangupURL} {
		if u != "" {
			secrets = append(secrets, urlSecrets(u)...)
		}
	}
	return secrets
}

// secrets are those of every request.
func (c *Client) secrets(key string) []string { return append(slices.Clone(c.proxySecrets), key) }

func proxySecrets(proxy *url.URL) []string {
	if proxy == nil || proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	return append(userSecrets(proxy.User), base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password)))
}

// urlSecrets are the parts of a callback URL that may be a token, as they stand
// in it and decoded.
func urlSecrets(s string) []string {
	u, err := url.Parse(s)
	if err != nil {
		return []string{s}
	}
	secrets := append([]string{s, u.RawQuery, u.Fragment}, userSecrets(u.User)...)
	for pair := range strings.FieldsFuncSeq(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, hasValue := strings.Cut(pair, "=")
		if !hasValue {
			value = name
		}
		decoded, err := url.QueryUnescape(value)
		if err != nil {
			decoded = value
		}
		secrets = append(secrets, value, decoded)
	}
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if !mayBeToken(segment) {
			continue
		}
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			decoded = segment
		}
		secrets = append(secrets, segment, decoded)
	}
	return secrets
}

func userSecrets(u *url.Userinfo) []string {
	if u == nil {
		return nil
	}
	password, _ := u.Password()
	return []string{u.String(), u.Username(), password}
}

// minTokenWord is the length from which a path segment of small letters alone is
// taken for a token and not for a word.
const minTokenWord = 10

// mayBeToken tells a token in a path from an ordinary word.
func mayBeToken(segment string) bool {
	return len(segment) >= minTokenWord ||
		strings.ContainsFunc(segment, func(r rune) bool { return !unicode.IsLower(r) && r != '-' && r != '_' })
}
