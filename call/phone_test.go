package call_test

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/ringonce/ringonce/call"
)

func TestParsePhoneAccepts(t *testing.T) {
	tests := []struct {
		name, number string
		assigned     bool
	}{
		{"Indian mobile", "+919876543210", true},
		{"Indian landline", "+912228403221", true},
		{"North American", "+14155552671", true},
		{"Canadian", "+16045550123", true},
		{"British", "+442079460958", true},
		{"Italian landline, which keeps its 0", "+390612345678", true},
		{"Argentine mobile", "+5491123456789", true},
		{"Belarusian toll-free, which begins with the national prefix", "+3758106661404", true},
		{"no region: international freephone", "+80012345678", true},
		{"range not assigned: Indian", "+911000000000", false},
		{"range not assigned: North American", "+11234567890", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, assigned, err := call.ParsePhone(test.number, call.PossibleNumbers)
			if err != nil || p.E164() != test.number || assigned != test.assigned {
				t.Fatalf("got %q, assigned %t, %v; want assigned %t", p.E164(), assigned, err, test.assigned)
			}
			p, _, err = call.ParsePhone(test.number, call.AssignedNumbers)
			if (err == nil) != test.assigned || p.IsZero() == test.assigned {
				t.Fatalf("with assigned numbers alone: %v, zero %t", err, p.IsZero())
			}
		})
	}
}

func TestParsePhoneRefuses(t *testing.T) {
	tests := []struct{ name, number string }{
		{"empty", ""},
		{"plus alone", "+"},
		{"country code alone", "+91"},
		{"list", "+919876543210<+919876543211"},
		{"list with commas", "+919876543210,+919876543211"},
		{"SIP URI", "sip:+919876543210@example.com"},
		{"tel URI", "tel:+919876543210"},
		{"phone context", "9876543210;phone-context=+91"},
		{"short code", "+9156161"},
		{"emergency in E.164 dress", "+91112"},
		{"emergency, North American", "+1911"},
		{"emergency, bare", "112"},
		{"bare national number", "9876543210"},
		{"trunk prefix", "09876543210"},
		{"international prefix", "00919876543210"},
		{"trunk 0 behind the country code, India", "+9109876543210"},
		{"trunk 0 behind the country code, Britain", "+4402079460958"},
		{"trunk 1 behind the country code", "+114155552671"},
		{"Argentine mobile as dialled at home", "+54111523456789"},
		{"Brazilian number with a carrier code", "+550211187654321"},
		{"vanity letters", "+1800FLOWERS"},
		{"extension", "+14155552671x12"},
		{"spaces", "+91 98765 43210"},
		{"dashes", "+91-9876543210"},
		{"space behind", "+919876543210 "},
		{"newline behind", "+919876543210\n"},
		{"NUL inside", "+91987654\x003210"},
		{"two plus signs", "++919876543210"},
		{"full-width plus sign", "＋919876543210"},
		{"full-width digits", "+９１９８７６５４３２１０"},
		{"Devanagari digits", "+91९८७६५४३२१०"},
		{"Arabic digits", "+91٩٨٧٦٥٤٣٢١٠"},
		{"too short", "+9198765"},
		{"local part alone", "+15552671"},
		{"too long for the country", "+141555526712"},
		{"too long for E.164", "+9198765432101234"},
		{"very long", "+" + strings.Repeat("9", 10_000)},
		{"country code 0", "+0919876543210"},
		{"country code not in use", "+2109876543210"},
		{"zeros", "+000000000000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, check := range []call.NumberCheck{call.PossibleNumbers, call.AssignedNumbers} {
				p, assigned, err := call.ParsePhone(test.number, check)
				if err == nil || !p.IsZero() || assigned {
					t.Fatalf("got %q, assigned %t, %v; want it refused", p.E164(), assigned, err)
				}
				if len(test.number) > 4 && strings.Contains(err.Error(), test.number) || runOfSeven.MatchString(err.Error()) {
					t.Fatalf("the error repeats the number: %v", err)
				}
			}
		})
	}
}

// libraryPath is the plain way to read a number with the library: parse it,
// and check what came out. Two readings are not the number as written: a
// national prefix taken off (refused), and one taken off a number that is
// assigned as it stands (a mistake of the library's parser: Belarus).
func libraryPath(s string) (accepted, assigned bool) {
	n, err := phonenumbers.Parse(s, "")
	if err != nil {
		return false, false
	}
	code := phonenumbers.Format(&phonenumbers.PhoneNumber{CountryCode: n.CountryCode, NationalNumber: new(uint64(0))}, phonenumbers.E164)
	code = strings.TrimSuffix(code, "0")
	if phonenumbers.Format(n, phonenumbers.E164) != s {
		if strings.HasPrefix(s, code+"0") {
			return false, false
		}
		n.NationalNumber, n.ItalianLeadingZero, n.NumberOfLeadingZeros = new(digits(s[len(code):])), nil, nil
		if !phonenumbers.IsValidNumber(n) {
			return false, false
		}
	}
	return phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE, phonenumbers.IsValidNumber(n)
}

func digits(s string) uint64 {
	var n uint64
	for _, c := range s {
		n = 10*n + uint64(c-'0')
	}
	return n
}

func checkAgainstLibrary(t interface{ Fatalf(string, ...any) }, s string) {
	p, assigned, err := call.ParsePhone(s, call.PossibleNumbers)
	wantAccepted, wantAssigned := libraryPath(s)
	wantAssigned = wantAssigned && wantAccepted
	if (err == nil) != wantAccepted || assigned != wantAssigned {
		t.Fatalf("ParsePhone(%q) = assigned %t, %v; the library: accepted %t, assigned %t", s, assigned, err, wantAccepted, wantAssigned)
	}
	if err == nil && p.E164() != s {
		t.Fatalf("ParsePhone(%q) gave %q", s, p.E164())
	}
	_, _, err = call.ParsePhone(s, call.AssignedNumbers)
	if (err == nil) != wantAssigned {
		t.Fatalf("ParsePhone(%q, assigned) = %v; the library: assigned %t", s, err, wantAssigned)
	}
}

// TestParsePhoneEqualsTheLibrary starts from an example number of every type of
// every region, so that numbers near to assigned ones are tried as well as
// random ones.
func TestParsePhoneEqualsTheLibrary(t *testing.T) {
	examples := exampleNumbers()
	for _, s := range examples {
		checkAgainstLibrary(t, s)
	}
	near := rapid.Custom(func(t *rapid.T) string {
		b := []byte(rapid.SampledFrom(examples).Draw(t, "example"))
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			b[rapid.IntRange(1, len(b)-1).Draw(t, "place")] = byte(rapid.IntRange('0', '9').Draw(t, "digit"))
		}
		switch rapid.IntRange(0, 3).Draw(t, "length") {
		case 0:
			b = b[:rapid.IntRange(1, len(b)).Draw(t, "cut")]
		case 1:
			b = append(b, rapid.StringMatching(`[0-9]{1,3}`).Draw(t, "more")...)
		}
		return string(b)
	})
	anywhere := rapid.StringMatching(`\+[1-9][0-9]{1,14}`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(near, anywhere).Draw(t, "number")
		if len(s) <= 16 && len(s) >= 3 && s[1] != '0' {
			checkAgainstLibrary(t, s)
		}
	})
}

func exampleNumbers() []string {
	var examples []string
	add := func(n *phonenumbers.PhoneNumber) {
		if n != nil {
			examples = append(examples, phonenumbers.Format(n, phonenumbers.E164))
		}
	}
	for code := range 1000 {
		add(phonenumbers.GetExampleNumberForNonGeoEntity(code))
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
				add(phonenumbers.GetExampleNumberForType(region, kind))
			}
		}
	}
	return examples
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{
		"+919876543210", "+14155552671", "+9109876543210", "+390612345678", "+80012345678", "+3758106661404",
		"sip:+919876543210@example.com", "+919876543210<+919876543211", "+1800FLOWERS", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, _, err := call.ParsePhone(s, call.PossibleNumbers)
		if err != nil {
			if !p.IsZero() || runOfSeven.MatchString(err.Error()) {
				t.Fatalf("ParsePhone(%q) = %q, %v", s, p.E164(), err)
			}
			return
		}
		if p.E164() != s || runOfSeven.MatchString(p.String()) {
			t.Fatalf("ParsePhone(%q) = %q, shown as %s", s, p.E164(), p)
		}
		checkAgainstLibrary(t, s)
	})
}
