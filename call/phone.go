package call

import (
	"errors"
	"log/slog"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a phone number in E.164 form with its plus sign. Wherever it is
// printed or logged it masks itself; [Phone.E164] gives the number.
type Phone struct{ e164 string }

// NumberPolicy says how strictly a phone number is checked.
type NumberPolicy string

const (
	// PossibleNumbers accepts what libphonenumber calls possible: an assigned
	// country and a length in use there. Its lists of assigned ranges lag
	// behind the world, so this is the default.
	PossibleNumbers NumberPolicy = "possible"
	// AssignedNumbers accepts only numbers in ranges libphonenumber knows to
	// be assigned.
	AssignedNumbers NumberPolicy = "assigned"
)

const maxPhoneLength = 16 // E.164: a plus sign and at most 15 digits

var (
	errPhoneForm     = errors.New("must be exactly one number in E.164 form: a plus sign, the country code and the number, digits only, such as +919876543210")
	errPhonePossible = errors.New("is not a possible phone number: its country code or its length is not in use")
	errPhoneAssigned = errors.New("lies in a range that is not known to be assigned")
)

// ParsePhone reads one E.164 number. The error never repeats the number. The
// second result tells whether the number lies in a range known to be assigned.
func ParsePhone(s string, policy NumberPolicy) (p Phone, assigned bool, err error) {
	if !isE164(s) {
		return Phone{}, false, errPhoneForm
	}
	n, err := phonenumbers.Parse(s, "")
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return Phone{}, false, errPhonePossible
	}
	assigned = phonenumbers.IsValidNumber(n)
	if policy == AssignedNumbers && !assigned {
		return Phone{}, false, errPhoneAssigned
	}
	return Phone{e164: s}, assigned, nil
}

// isE164 bounds what reaches the library, which is lenient on purpose: it
// would read letters, extensions and "tel:" URIs.
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

// E164 gives the number itself. It must not reach a log, a label, a trace or
// an error.
func (p Phone) E164() string { return p.e164 }

// IsZero reports whether there is no number.
func (p Phone) IsZero() bool { return p.e164 == "" }

// String masks the number: the first three characters and the last two digits.
func (p Phone) String() string {
	if len(p.e164) < 7 {
		return "…"
	}
	return p.e164[:3] + "…" + p.e164[len(p.e164)-2:]
}

// GoString masks the number under %#v.
func (p Phone) GoString() string { return p.String() }

// LogValue masks the number in structured logs.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.String()) }
