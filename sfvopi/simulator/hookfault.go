package simulator

import (
	"slices"
	"time"
)

// HookFault is one way in which a ring or hangup hook goes wrong. A [Rule] on
// hooks chooses one, or a magic callee.
type HookFault struct {
	// Name selects the fault in rules, and marks the hook in the oracle.
	Name string `json:"name"`
	// Magic are the four digits after +9190000 in the magic callee whose hooks
	// meet this fault.
	Magic string `json:"magic"`
	// Hook is the only kind that the fault can strike; empty means both.
	Hook HookKind `json:"hook,omitzero"`
	// Delay is how long the fault holds something back, unless the rule says
	// otherwise; a fault without one takes none from a rule either.
	Delay time.Duration `json:"delay,omitzero"`
	// About describes in a few words what happens.
	About string `json:"about"`
}

// The names of the hook faults.
const (
	HookLost    = "lost"
	HookDoubled = "doubled"
	HookSwapped = "swapped"
	HookLate    = "late"
	HookEarly   = "early"
	HookNotJSON = "not_json"
	HookByGET   = "by_get"
	HookOpened  = "opened"
)

var hookFaults = []HookFault{
	{Name: HookLost, Magic: "7000", About: "the hook is never posted"},
	{Name: HookDoubled, Magic: "7010", Delay: time.Second, About: "the hook is posted once more, 1 s later"},
	{Name: HookSwapped, Magic: "7020", Hook: ringHook, About: "the ring hook is posted after the hangup hook"},
	{Name: HookLate, Magic: "7030", Delay: 30 * time.Second, About: "the hook is posted 30 s late; the call goes on meanwhile"},
	{Name: HookEarly, Magic: "7040", About: "the hook is posted and answered before the POST is answered"},
	{Name: HookNotJSON, Magic: "7050", About: "the hook's body is no JSON"},
	{Name: HookByGET, Magic: "7060", About: "the hook comes by GET, with its payload in the query"},
	{Name: HookOpened, Magic: "7070", About: "somebody opens the URL first: a GET without payload, then the hook"},
}

var (
	hookFaultByName  = indexBy(hookFaults, func(f *HookFault) string { return f.Name })
	hookFaultByMagic = indexBy(hookFaults, func(f *HookFault) string { return f.Magic })
)

// HookFaults is the whole list, in the order of the documentation.
func HookFaults() []HookFault { return slices.Clone(hookFaults) }

// strikes reports whether the fault can strike a hook of this kind.
func (f *HookFault) strikes(kind HookKind) bool { return f.Hook == "" || f.Hook == kind }
