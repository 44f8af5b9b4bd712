package call_test

import (
	"errors"
	"testing"

	"github.com/ringonce/ringonce/call"
)

// Advice about a refused number is right, or the number is left to its owner.
func TestParsePhoneAdvice(t *testing.T) {
	const abroad = "write it as it is dialled from abroad"
	tests := []struct{ name, number, fix string }{
		{"trunk 0, India", "+9109876543210", "leave out the 0 after the country code"},
		{"trunk 0, Britain", "+4402079460958", "leave out the 0 after the country code"},
		{"trunk 1, North America", "+114155552671", "leave out the 1 after the country code"},
		{"trunk 06, Hungary", "+360612345678", "leave out the 06 after the country code"},
		{"mobile with 15, Buenos Aires", "+54111523456789", "write an Argentine mobile number as +549, area code and number, without the 15"},
		{"mobile with 15, Rosario", "+54341156123456", "write an Argentine mobile number as +549, area code and number, without the 15"},
		{"carrier code, Brazil: what remains is not assigned", "+550211187654321", abroad},
		{"trunk 8, Russia: what remains is not assigned", "+780012345678", abroad},
		{"no plus sign", "919876543210", "write a plus sign and the country code before it"},
		{"national number", "9876543210", "write a plus sign and the country code before it"},
		{"international prefix", "00919876543210", "write a plus sign instead of the leading 00"},
		{"spaces", "+91 98765 43210", "leave out spaces, brackets and other separators"},
		{"brackets and dashes", "+1 (415) 555-2671", "leave out spaces, brackets and other separators"},
		{"direction mark before", "\u202a+919876543210", "delete the invisible character U+202A that was copied with it"},
		{"direction mark behind", "+919876543210\u202c", "delete the invisible character U+202C that was copied with it"},
		{"zero-width space", "+9198765\u200b43210", "delete the invisible character U+200B that was copied with it"},
		{"byte order mark", "\ufeff+919876543210", "delete the invisible character U+FEFF that was copied with it"},
		{"no-break space", "+91\u00a09876543210", "delete the invisible character U+00A0 that was copied with it"},
		{"rounded by a spreadsheet", "9.19877E+11", "a spreadsheet rounded it; format the column as text and enter the numbers again"},
		{"rounded, decimal comma", "9,19877E+11", "a spreadsheet rounded it; format the column as text and enter the numbers again"},
		{"full-width digits", "+９１９８７６５４３２１０", "write the plus sign and the digits as ASCII characters"},
		{"Devanagari digits", "+91९८७६५४३२१०", "write the plus sign and the digits as ASCII characters"},
		{"two numbers", "+919876543210,+919876543211", "write a plus sign, the country code and the number, digits only"},
		{"tel URI", "tel:+919876543210", "write a plus sign, the country code and the number, digits only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := fullRequest().with("to", test.number).json(t)
			_, _, err := call.DecodeRequest(data, call.PossibleNumbers)
			var refused *call.InvalidError
			if !errors.As(err, &refused) || refused.Fix != test.fix {
				t.Errorf("got %v, want the advice %q", err, test.fix)
			}
		})
	}
}
