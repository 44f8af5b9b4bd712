package simulator

import (
	"strconv"
	"strings"
)

// MagicPrefix begins every magic callee: +9190000, four digits that choose a
// fault (its Magic in the catalogue), the course of the call or a hook fault, and
// one digit for how often: 0 for every request of an identity, 1 to 9 for its
// first so many (of hook faults: hooks). Digits that choose nothing are an
// ordinary callee.
const MagicPrefix = "+9190000"

const magicLength = len(MagicPrefix) + 5

// MagicCallee is the callee that meets a fault of the catalogue in its first
// requests, 1 to 9; 0 means in all of them. It is empty for a fault that only a
// rule can choose.
func MagicCallee(fault string, first int) string {
	found, ok := faultByName[fault]
	if !ok || found.Magic == "" || first < 0 || first > 9 {
		return ""
	}
	return MagicPrefix + found.Magic + strconv.Itoa(first)
}

// magicEndings are the digits that choose an ending instead of a fault.
var magicEndings = map[string]Ending{
	"6000": Completed,
	"6001": NoAnswer,
	"6002": Busy,
	"6003": Canceled,
	"6004": Failed,
}

// magicRings begins the digits of a callee who answers after as many rings as
// the two digits behind it say.
const magicRings = "61"

// parseMagic is what the callee's digits choose for a call or one of its hooks,
// and for how many first ones.
func parseMagic(s *subject) (hit match, first int) {
	callee := s.callee
	if len(callee) != magicLength || !strings.HasPrefix(callee, MagicPrefix) {
		return match{}, 0
	}
	digits := callee[len(MagicPrefix) : magicLength-1]
	first = int(callee[magicLength-1] - '0')
	if s.scope == Hooks {
		if fault, ok := hookFaultByMagic[digits]; ok && fault.strikes(s.hook) {
			return match{hookFault: fault}, first
		}
		return match{}, 0
	}
	if ending, ok := magicEndings[digits]; ok {
		return match{ending: ending}, first
	}
	if rings, ok := strings.CutPrefix(digits, magicRings); ok {
		if n, err := strconv.Atoi(rings); err == nil && n > 0 {
			return match{ending: Completed, afterRings: n}, first
		}
	}
	if fault, ok := faultByMagic[digits]; ok {
		return match{fault: fault}, first
	}
	return match{}, 0
}
