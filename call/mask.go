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
	// Callback URLs carry secret tokens in their query.
	urlText = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://\S+`)
	// Seven digits or more, however they are set apart, may be a phone number.
	numberText = regexp.MustCompile(`\+?[0-9](?:[ ().\-]{0,2}[0-9]){6,}`)
)

// MaskText makes a text from outside fit to be stored and logged: phone
// numbers and URLs are taken out, control characters dropped, its length
// bounded.
func MaskText(s string) string {
	if len(s) > 4*maxMessageLength {
		s = s[:4*maxMessageLength]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = urlText.ReplaceAllString(s, "(url)")
	s = numberText.ReplaceAllString(s, "(number)")
	s = strings.TrimSpace(s)
	if len(s) > maxMessageLength {
		s = strings.ToValidUTF8(s[:maxMessageLength], "")
	}
	return s
}
