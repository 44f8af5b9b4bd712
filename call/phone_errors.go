package call

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// formError refuses text that is not an E.164 number, and names the likely cause.
// It repeats at most a single character of the text.
func formError(s string) phoneError {
	refused := errPhoneForm
	switch r, found := findInvisible(s); {
	case found:
		refused.fix = fmt.Sprintf("delete the invisible character %U that was copied with it", r)
	case isScientific(s):
		refused.fix = "a spreadsheet rounded it; format the column as text and enter the numbers again"
	case strings.HasPrefix(s, "00"):
		refused.fix = "write a plus sign instead of the leading 00"
	case strings.ContainsFunc(s, isForeignDigit):
		refused.fix = "write the plus sign and the digits as ASCII characters"
	case isE164("+" + s):
		refused.fix = "write a plus sign and the country code before it"
	case isE164(strings.Map(dropSeparators, s)):
		refused.fix = "leave out spaces, brackets and other separators"
	}
	return refused
}

// trunkPrefixError refuses a number that holds digits which are dialled only within
// its country. dialled is what the library reads. The error names digits to leave
// out only if an assigned number remains: any other correction could be another
// person's number.
func trunkPrefixError(s, dialled string, n *phonenumbers.PhoneNumber) phoneError {
	refused := phoneError{
		rule: "is not in E.164 form: it holds digits that are dialled only within the country",
		fix:  "write it as it is dialled from abroad",
	}
	country := "+" + strconv.Itoa(int(n.GetCountryCode()))
	prefix, removed := strings.CutSuffix(strings.TrimPrefix(s, country), strings.TrimPrefix(dialled, country))
	switch {
	case removed && isAssigned(n):
		refused.fix = fmt.Sprintf("leave out the %s after the country code", prefix)
	case n.GetCountryCode() == argentina:
		refused.fix = "write an Argentine mobile number as +549, area code and number, without the 15"
	}
	return refused
}

// argentina is the country code of the one country whose mobile numbers have other
// digits abroad (9 before the area code) than at home (15 after it).
const argentina = 54

// findInvisible finds a character that no screen shows: a format character, such as
// the direction marks around numbers in an address book, or an unusual space.
func findInvisible(s string) (rune, bool) {
	for _, r := range s {
		if r > unicode.MaxASCII && unicode.In(r, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp) {
			return r, true
		}
	}
	return 0, false
}

// isScientific reports whether a spreadsheet shortened the number, as in
// 9.19812E+11.
func isScientific(s string) bool {
	_, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	return err == nil && strings.ContainsAny(s, "eE")
}

func isForeignDigit(r rune) bool {
	return r > unicode.MaxASCII && (unicode.IsDigit(r) || r == '＋')
}

func dropSeparators(r rune) rune {
	if strings.ContainsRune(" -.()/'", r) {
		return -1
	}
	return r
}
