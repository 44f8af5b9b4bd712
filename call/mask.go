package call

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxMessageLength bounds what is kept of a text of the provider or the
	// network, in bytes.
	maxMessageLength = 256
	// maxMaskInput bounds how much of such a text is read.
	maxMaskInput = 8 * maxMessageLength
	// minSecret is the shortest secret that is redacted, in bytes: a shorter one
	// would redact ordinary words. minSecretInWord is the shortest that is
	// redacted inside a word.
	minSecret       = 4
	minSecretInWord = 8
	// minDigits is the length from which digits may be a phone number.
	minDigits = 7
)

var (
	// Callback URLs carry secret tokens in their path, query and user. They come
	// with a scheme (plain, with the slashes of PHP's JSON escaped, or
	// percent-encoded), as anything with a query or a user and password, and as
	// a host with a path, which may have been taken for a number.
	urlPattern = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*(?::|%3a)(?:\\?/|%2f){2}\S+` +
		`|\S*\?\S*=\S*` +
		`|[^\s@]*:[^\s@]*@\S+` +
		`|(?:[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+(?::\d+)?|[\p{L}\p{N}_-]+:\d+|\(number\))(?:\\?/|%2f|#)\S+`)
	// Seven digits or more, of any script and separated by anything but letters,
	// may be a phone number.
	phonePattern = regexp.MustCompile(`\+?` + digitPattern + `(?:` + separatorPattern + `*` + digitPattern + `){6,}`)
	// What looks like a number and is shown, because operators need it: addresses
	// in network errors of Go and Node and in certificate errors, and times.
	addressOrTimePattern = regexp.MustCompile(`(?:\blookup \S+ on |\b(?:tcp|udp)[46]? |\bE[A-Z]{4,} |->|\bcertificate (?:is valid )?for |, not )` +
		addressPattern + `(?:, ` + addressPattern + `)*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

const (
	digitPattern     = `[\p{N}零一二三四五六七八九]`
	separatorPattern = `(?:%[0-9a-fA-F]{2}|[^\p{L}\p{N}]|\\u[0-9a-fA-F]+|\\[a-z]|<[^<>]+>|&[a-z]+;)`
	addressPattern   = `(?:\[[^\]\s]+\]|\d+\.\d+\.\d+\.\d+|[0-9a-f:]*::[0-9a-f:]*)(?::\d+)?`
)

// MaskText makes a text from outside fit to be stored and logged: it removes
// phone numbers, URLs, the given secrets, control and invisible characters, and
// bounds the length.
func MaskText(s string, secrets ...string) string {
	if len(s) > maxMaskInput {
		s = s[:maxMaskInput]
		if end := strings.LastIndexByte(s, ' '); end > 0 {
			s = s[:end] // half a secret would not be recognized
		}
	}
	s = RedactSecrets(sanitize(s, maxMaskInput), secrets)
	// Numbers first: one that holds a space would hide the rest of a URL.
	s = urlPattern.ReplaceAllString(maskNumbers(s), "(url)")
	if len(s) <= maxMessageLength {
		return s
	}
	// The cut may leave of an address what looks like a number.
	return sanitize(maskNumbers(sanitize(s, maxMessageLength)), maxMessageLength)
}

// RedactSecrets replaces secrets in a text, in upper or lower case.
func RedactSecrets(s string, secrets []string) string {
	folded := strings.ToLower(s)
	var found []string
	for _, secret := range secrets {
		if len(secret) >= minSecret && strings.Contains(folded, strings.ToLower(secret)) {
			found = append(found, secret)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	var patterns []string
	for _, secret := range found {
		pattern := regexp.QuoteMeta(secret)
		if len(secret) < minSecretInWord {
			pattern = wholeWord(pattern, secret)
		}
		patterns = append(patterns, pattern)
	}
	if len(patterns) == 0 {
		return s
	}
	all, err := regexp.Compile(`(?i)` + strings.Join(patterns, "|"))
	if err != nil {
		return "(secret)" // a secret is not valid UTF-8
	}
	return all.ReplaceAllString(s, "(secret)")
}

// wholeWord keeps the pattern of a secret from matching inside a word.
func wholeWord(pattern, secret string) string {
	if wordEdge.MatchString(secret[:1]) {
		pattern = `\b` + pattern
	}
	if wordEdge.MatchString(secret[len(secret)-1:]) {
		pattern += `\b`
	}
	return pattern
}

var wordEdge = regexp.MustCompile(`^\w$`)

// maskNumbers replaces what may be a phone number, and keeps the addresses of
// network errors.
func maskNumbers(s string) string {
	if !hasDigits(s, minDigits) {
		return s // the usual case, and the pattern is slow
	}
	var b strings.Builder
	done := 0
	for _, at := range addressOrTimePattern.FindAllStringIndex(s, -1) {
		if digitsFollow(s[at[1]:]) || !isAddressOrTime(s[at[0]:at[1]]) {
			continue
		}
		b.WriteString(phonePattern.ReplaceAllString(s[done:at[0]], "(number)"))
		b.WriteString(s[at[0]:at[1]])
		done = at[1]
	}
	b.WriteString(phonePattern.ReplaceAllString(s[done:], "(number)"))
	return b.String()
}

// hasDigits reports whether a text has at least n digits or characters that may
// be digits.
func hasDigits(s string, n int) bool {
	for _, r := range s {
		if r >= '0' && r <= '9' || r > unicode.MaxASCII {
			n--
		}
	}
	return n <= 0
}

// isAddressOrTime verifies a match of addressOrTimePattern.
func isAddressOrTime(s string) bool {
	if strings.HasSuffix(s, "Z") {
		_, err := time.Parse(time.RFC3339, s)
		return err == nil
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' || r == '>' }) {
		if !strings.ContainsAny(word, "0123456789") || !strings.ContainsAny(word, ".:") {
			continue
		}
		_, err := netip.ParseAddr(word)
		_, withPort := netip.ParseAddrPort(word)
		if err != nil && withPort != nil && !strings.ContainsFunc(word, unicode.IsLetter) {
			return false
		}
	}
	return true
}

// digitsFollow reports whether digits follow an address and may belong to it.
func digitsFollow(rest string) bool {
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, ".:-/"))
	return unicode.IsNumber(next)
}

// sanitize returns valid UTF-8 of at most limit bytes without control and
// invisible characters, so that JSON takes at most two bytes for each byte.
func sanitize(s string, limit int) string {
	s = s[:min(len(s), limit)]
	if isPrintableASCII(s) {
		return strings.TrimSpace(s) // the usual case, ten times as fast
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Cf):
			return -1
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
			return ' '
		default:
			return r
		}
	}, s)
	return strings.TrimSpace(s)
}

// isPrintableASCII reports whether s is only printable ASCII.
func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
