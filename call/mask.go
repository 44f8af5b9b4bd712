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
	// maxMessageLength bounds what we keep of a text the provider or the network
	// gave us, in bytes.
	maxMessageLength = 256
	// maxMasked bounds what is looked at for it.
	maxMasked = 8 * maxMessageLength
	// minSecret is the shortest secret that is struck out, in bytes. A shorter
	// one would strike out ordinary words. minBareSecret is the shortest that is
	// struck out inside a word.
	minSecret     = 4
	minBareSecret = 8
	// minDigits is how many digits may be a phone number.
	minDigits = 7
)

var (
	// Callback URLs carry secret tokens in their path, query and user. They come
	// with a scheme (plain, with the slashes of PHP's JSON escaped, or
	// percent-encoded), as anything with a query or a user and password, and as
	// a host with a path, which may have been taken for a number.
	urlText = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*(?::|%3a)(?:\\?/|%2f){2}\S+` +
		`|\S*\?\S*=\S*` +
		`|[^\s@]*:[^\s@]*@\S+` +
		`|(?:[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+(?::\d+)?|[\p{L}\p{N}_-]+:\d+|\(number\))(?:\\?/|%2f|#)\S+`)
	// Seven digits or more, of any script and whatever but a letter sets them
	// apart, may be a phone number.
	numberText = regexp.MustCompile(`\+?` + digit + `(?:` + apart + `*` + digit + `){6,}`)
	// What an operator needs and looks like a number: the addresses in the errors
	// of Go's and of Node's network and of certificates, and times.
	shownText = regexp.MustCompile(`(?:\blookup \S+ on |\b(?:tcp|udp)[46]? |\bE[A-Z]{4,} |->|\bcertificate (?:is valid )?for |, not )` +
		address + `(?:, ` + address + `)*|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

const (
	digit   = `[\p{N}零一二三四五六七八九]`
	apart   = `(?:%[0-9a-fA-F]{2}|[^\p{L}\p{N}]|\\u[0-9a-fA-F]+|\\[a-z]|<[^<>]+>|&[a-z]+;)`
	address = `(?:\[[^\]\s]+\]|\d+\.\d+\.\d+\.\d+|[0-9a-f:]*::[0-9a-f:]*)(?::\d+)?`
)

// MaskText makes a text from outside fit to be stored and logged: phone
// numbers, URLs and the given secrets are taken out, control and invisible
// characters dropped, its length bounded.
func MaskText(s string, secrets ...string) string {
	if len(s) > maxMasked {
		s = s[:maxMasked]
		if end := strings.LastIndexByte(s, ' '); end > 0 {
			s = s[:end] // half a secret is not recognized
		}
	}
	s = RedactSecrets(plainText(s, maxMasked), secrets)
	// Numbers first: one that holds a space would hide where a URL goes on.
	s = urlText.ReplaceAllString(maskNumbers(s), "(url)")
	if len(s) <= maxMessageLength {
		return s
	}
	// The cut may take from an address what tells it from a number.
	return plainText(maskNumbers(plainText(s, maxMessageLength)), maxMessageLength)
}

// RedactSecrets takes secrets out of a text, in any case.
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
		if len(secret) < minBareSecret {
			pattern = bounded(pattern, secret)
		}
		patterns = append(patterns, pattern)
	}
	if len(patterns) == 0 {
		return s
	}
	all, err := regexp.Compile(`(?i)` + strings.Join(patterns, "|"))
	if err != nil {
		return "(secret)" // a secret that is no UTF-8
	}
	return all.ReplaceAllString(s, "(secret)")
}

// bounded keeps a pattern for a secret from matching inside of a word.
func bounded(pattern, secret string) string {
	if wordEdge.MatchString(secret[:1]) {
		pattern = `\b` + pattern
	}
	if wordEdge.MatchString(secret[len(secret)-1:]) {
		pattern += `\b`
	}
	return pattern
}

var wordEdge = regexp.MustCompile(`^\w$`)

// maskNumbers takes out what may be a phone number, and leaves the addresses of
// network errors.
func maskNumbers(s string) string {
	if !hasDigits(s, minDigits) {
		return s // nearly always, and the pattern is slow
	}
	var b strings.Builder
	done := 0
	for _, at := range shownText.FindAllStringIndex(s, -1) {
		if goesOn(s[at[1]:]) || !isAddressesOrTime(s[at[0]:at[1]]) {
			continue
		}
		b.WriteString(numberText.ReplaceAllString(s[done:at[0]], "(number)"))
		b.WriteString(s[at[0]:at[1]])
		done = at[1]
	}
	b.WriteString(numberText.ReplaceAllString(s[done:], "(number)"))
	return b.String()
}

// hasDigits reports whether a text has so many digits, or what may be some.
func hasDigits(s string, n int) bool {
	for _, r := range s {
		if r >= '0' && r <= '9' || r > unicode.MaxASCII {
			n--
		}
	}
	return n <= 0
}

// isAddressesOrTime reports whether what looks like addresses, with the words
// before them, or like a time is that.
func isAddressesOrTime(s string) bool {
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

// goesOn reports whether digits follow an address as if they belonged to it.
func goesOn(rest string) bool {
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, ".:-/"))
	return unicode.IsNumber(next)
}

// plainText makes valid UTF-8 of at most the given number of bytes, without
// control and invisible characters: JSON spends at most two bytes on each of
// them.
func plainText(s string, most int) string {
	s = s[:min(len(s), most)]
	if isPlain(s) {
		return strings.TrimSpace(s) // nearly always, and ten times as fast
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

// isPlain reports whether s holds printable ASCII alone.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
