package call

import (
	"regexp"
	"strings"
	"unicode"
)

// maxMessageLength bounds what we keep of a text the provider or the network
// gave us, in bytes.
const maxMessageLength = 256

var (
	// Callback URLs carry secret tokens in their path and query. They come
	// plain, with the slashes of PHP's JSON escaped, percent-encoded, and as a
	// bare path with its query.
	urlText = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*(?::|%3a)(?:\\?/|%2f){2}\S+|\S*\?\S*=\S*`)
	// Seven digits or more, of any script and however they are set apart, may
	// be a phone number.
	numberText = regexp.MustCompile(`\+?\p{Nd}(?:[\p{Zs}\p{Pd}()./]{0,4}\p{Nd}){6,}`)
)

// MaskText makes a text from outside fit to be stored and logged: phone
// numbers and URLs are taken out, control and invisible characters dropped,
// its length bounded.
func MaskText(s string) string {
	s = plainText(s, 4*maxMessageLength)
	// Numbers first: one that holds a space would hide where a URL goes on.
	s = numberText.ReplaceAllString(s, "(number)")
	s = urlText.ReplaceAllString(s, "(url)")
	return plainText(s, maxMessageLength)
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
