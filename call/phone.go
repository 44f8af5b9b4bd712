package call

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a phone number in E.164 form with its plus sign. It masks itself
// wherever it is printed or logged; [Phone.E164] returns the number.
type Phone struct{ e164 string }

// NumberCheck is how strictly phone numbers are checked.
type NumberCheck string

const (
	// PossibleNumbers accepts what libphonenumber calls possible: an assigned
	// country and a length in use there. It is the default, because the lists of
	// assigned ranges lag behind.
	PossibleNumbers NumberCheck = "possible"
	// AssignedNumbers accepts only numbers in ranges that libphonenumber knows to
	// be assigned.
	AssignedNumbers NumberCheck = "assigned"
)

const maxPhoneLength = 16 // E.164: a plus sign and at most 15 digits

// phoneError refuses a number without repeating it.
type phoneError struct{ rule, fix string }

func (e phoneError) Error() string { return e.rule + "; " + e.fix }

var (
	errPhoneForm = phoneError{
		"must be exactly one number in E.164 form",
		"write a plus sign, the country code and the number, digits only",
	}
	errPhonePossible = phoneError{
		"is not a possible phone number: its country code or its length is not in use",
		"check the country code and count the digits",
	}
	errPhoneAssigned = phoneError{
		"lies in a range that is not known to be assigned",
		"check the number, or set request.numbers to possible",
	}
)

// ParsePhone reads one E.164 number, and reports whether it lies in a range known
// to be assigned. The error never repeats the number.
func ParsePhone(s string, check NumberCheck) (p Phone, assigned bool, err error) {
	if !isE164(s) {
		return Phone{}, false, formError(s)
	}
	// Nearly every number is assigned as it is written. The library's parser
	// also looks for extensions and national prefixes, which costs more than
	// both checks, so only the other numbers go through it.
	if n := splitE164(s); n != nil && isPossible(n) && isAssigned(n) {
		return Phone{e164: s}, true, nil
	}
	n, err := phonenumbers.Parse(s, "")
	if err != nil || !isPossible(n) {
		return Phone{}, false, errPhonePossible
	}
	// The library drops or replaces a national prefix, and then checks a number
	// that is not the one that would be dialled, looked up and recorded.
	if dialled := phonenumbers.Format(n, phonenumbers.E164); dialled != s {
		return Phone{}, false, trunkPrefixError(s, dialled, n)
	}
	assigned = isAssigned(n)
	if check == AssignedNumbers && !assigned {
		return Phone{}, false, errPhoneAssigned
	}
	return Phone{e164: s}, assigned, nil
}

// splitE164 splits an E.164 number into country code and national number. It
// returns nil for an unknown country code, or a national number that begins with 0.
func splitE164(s string) *phonenumbers.PhoneNumber {
	for end := 2; end <= 1+phonenumbers.MAX_LENGTH_COUNTRY_CODE && end < len(s); end++ {
		code, err := strconv.Atoi(s[1:end])
		if err != nil {
			return nil
		}
		// No country code is a prefix of another.
		if phonenumbers.GetRegionCodeForCountryCode(code) == phonenumbers.UNKNOWN_REGION {
			continue
		}
		national, err := strconv.ParseUint(s[end:], 10, 64)
		if err != nil || s[end] == '0' {
			return nil
		}
		return &phonenumbers.PhoneNumber{CountryCode: new(int32(code)), NationalNumber: &national} //nolint:gosec // at most three digits
	}
	return nil
}

// isPossible also refuses numbers that can only be dialled locally.
func isPossible(n *phonenumbers.PhoneNumber) bool {
	return phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE
}

// isE164 bounds what reaches the library, which is lenient on purpose: it accepts
// letters, extensions and "tel:" URIs.
func isE164(s string) bool {
	if len(s) < 3 || len(s) > maxPhoneLength || s[0] != '+' || s[1] == '0' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// E164 returns the number itself. It must not reach a log, a label, a trace or an
// error.
func (p Phone) E164() string { return p.e164 }

// IsZero reports whether there is no number.
func (p Phone) IsZero() bool { return p.e164 == "" }

// shortestShown is the length from which a mask that shows five characters
// hides at least as many.
const shortestShown = 10

// String masks the number: it shows the first three characters and the last two
// digits, or nothing of a short number.
func (p Phone) String() string {
	if len(p.e164) < shortestShown {
		return "…"
	}
	return p.e164[:3] + "…" + p.e164[len(p.e164)-2:]
}

// GoString masks the number under %#v.
func (p Phone) GoString() string { return p.String() }

// Format masks the number under every verb: without it, a verb that does not fit
// a string, such as %d, would print the fields.
func (p Phone) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, 's'), p.String())
}

// LogValue masks the number in structured logs.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.String()) }
