package call

import (
	"regexp"
	"slices"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// isAssigned reports whether a number lies in a range that is known to be
// assigned, as phonenumbers.IsValidNumber does, from the library's own data: a
// region's general pattern matches, and the pattern of one kind of number. The
// library joins all patterns of the region for every number, twice, which made
// the callee's number a tenth of what a call costs.
func isAssigned(n *phonenumbers.PhoneNumber) bool {
	national := phonenumbers.GetNationalSignificantNumber(n)
	for _, name := range phonenumbers.GetRegionCodesForCountryCode(int(n.GetCountryCode())) {
		if ranges, ok := allRanges()[region{n.GetCountryCode(), name}]; ok && ranges().contain(national) {
			return true
		}
	}
	return false
}

// region is a country, or one of several that share a country code, or a
// service with a code of its own.
type region struct {
	code int32
	name string
}

// ranges are the numbers that are assigned in a region.
type ranges struct {
	general pattern
	kinds   []pattern // the most common first
}

// pattern describes a kind of number.
type pattern struct {
	lengths []int32 // any if there are none
	form    *regexp.Regexp
}

// allRanges holds the ranges of every region, each compiled at its first use.
var allRanges = sync.OnceValue(func() map[region]func() ranges {
	all := map[region]func() ranges{}
	data, err := phonenumbers.MetadataCollection()
	if err != nil {
		return all // the library does not work without it either
	}
	for _, m := range data.GetMetadata() {
		all[region{m.GetCountryCode(), m.GetId()}] = sync.OnceValue(func() ranges { return rangesOf(m) })
	}
	return all
})

func rangesOf(m *phonenumbers.PhoneMetadata) ranges {
	r := ranges{general: patternOf(m.GetGeneralDesc())}
	for _, d := range []*phonenumbers.PhoneNumberDesc{
		m.GetMobile(), m.GetFixedLine(), m.GetTollFree(), m.GetPremiumRate(), m.GetSharedCost(),
		m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(),
	} {
		if d.GetNationalNumberPattern() != "" {
			r.kinds = append(r.kinds, patternOf(d))
		}
	}
	return r
}

func patternOf(d *phonenumbers.PhoneNumberDesc) pattern {
	return pattern{d.GetPossibleLength(), regexp.MustCompile("^(?:" + d.GetNationalNumberPattern() + ")$")}
}

func (r ranges) contain(national string) bool {
	return r.general.matches(national) && slices.ContainsFunc(r.kinds, func(p pattern) bool { return p.matches(national) })
}

func (p pattern) matches(national string) bool {
	return (len(p.lengths) == 0 || slices.Contains(p.lengths, int32(len(national)))) && //nolint:gosec // at most 17 digits
		p.form.MatchString(national)
}
