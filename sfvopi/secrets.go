package sfvopi

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/ringonce/ringonce/call"
)

// secretsOf returns what must not be stored or logged when the provider repeats a
// request: the key, the proxy's password, and the tokens in callback URLs.
func (c *Client) secretsOf(r call.Request, key string) []string {
	secrets := c.secrets(key)
	for _, u := range []string{r.AnswerURL, r.RingURL, r.HangupURL} {
		if u != "" {
			secrets = append(secrets, urlSecrets(u)...)
		}
	}
	return secrets
}

// secrets returns those of every request.
func (c *Client) secrets(key string) []string { return append(slices.Clone(c.proxySecrets), key) }

func proxySecrets(proxy *url.URL) []string {
	if proxy == nil || proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	return append(userSecrets(proxy.User), base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password)))
}

// urlSecrets returns the parts of a callback URL that may be a token, encoded and
// decoded.
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

// minTokenLength is the length from which a path segment of only lower-case letters
// counts as a token instead of a word.
const minTokenLength = 10

// mayBeToken reports whether a path segment may be a token instead of a word.
func mayBeToken(segment string) bool {
	return len(segment) >= minTokenLength ||
		strings.ContainsFunc(segment, func(r rune) bool { return !unicode.IsLower(r) && r != '-' && r != '_' })
}
