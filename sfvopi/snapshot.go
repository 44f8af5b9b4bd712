package sfvopi

import (
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
)

// snapshot is what one fetch saw. It never changes.
type snapshot struct {
	fetchStart
	numbers map[string]numberLink
	counts  Counts
	copied  bool // from a directory that may have had another key
}

// fetchStart is the state before the first request of a fetch.
type fetchStart struct {
	number   int // of all fetches; a higher one began later
	started  time.Time
	previous map[string]numberLink // from the last good fetch; nil if there was none, it had unreadable entries, or was copied
}

// Counts says how many apps and numbers the directory holds, for metrics.
type Counts struct {
	Apps         int // active or not
	Linked       int // numbers of ACTIVE apps
	Inactive     int // numbers of INACTIVE apps
	Available    int // numbers that are linked to no app
	Inconsistent int // numbers seen in two apps, or in an app of an undocumented status
	Unreadable   int // entries that could not be read
}

// numberLink is where a number was seen.
type numberLink struct {
	kind  linkKind
	appID string // empty if available
}

type linkKind uint8

const (
	available linkKind = iota + 1
	inActiveApp
	inInactiveApp
	// inActiveApps: moved from one ACTIVE app to another during the fetch, or
	// listed twice. It is linked either way; to which app is not known.
	inActiveApps
	// inconsistent: seen in two apps that are not both ACTIVE, or in one of an
	// undocumented status.
	inconsistent
)

// linkage returns what the snapshot says of a number.
//
// The three kinds of look-up in a snapshot happen at different times, so a number
// that is moved meanwhile can be seen twice or not at all. Where it was seen, it was
// at some time after the fetch began. A number that was seen nowhere is not owned
// only if the previous fetch did not see it either, and neither had an unreadable
// entry, which may be that number's.
func (s *snapshot) linkage(from, appID string) call.Linkage {
	p, seen := s.numbers[from]
	if !seen {
		if _, before := s.previous[from]; before || s.previous == nil || s.counts.Unreadable > 0 {
			return call.LinkageNotKnown
		}
		return call.NotOwned
	}
	switch p.kind {
	case inActiveApp:
		if appID != "" && appID != p.appID {
			return call.OtherApp
		}
		return call.Linked
	case inActiveApps:
		if appID != "" {
			return call.LinkageNotKnown
		}
		return call.Linked
	case inInactiveApp:
		return call.AppInactive
	case available:
		return call.OwnedNotLinked
	case inconsistent:
	}
	return call.LinkageNotKnown
}

// newSnapshot combines the look-ups of one fetch. The available numbers are read
// first, then the apps, then the numbers of each. So a number that is being linked
// is seen at least once, and if it is seen in an app too, that is later and counts.
func newSnapshot(start fetchStart, free []Number, apps []appNumbers, unreadable int) *snapshot {
	numbers := make(map[string]numberLink, len(free))
	for _, n := range free {
		numbers[numberKey(n.Number)] = numberLink{kind: available}
	}
	for _, a := range apps {
		kind := inconsistent
		switch a.app.Status {
		case StatusActive:
			kind = inActiveApp
		case StatusInactive:
			kind = inInactiveApp
		}
		for _, n := range a.numbers {
			if n.Status != "" && n.Status != StatusActive {
				continue // a link that is not ACTIVE links nothing
			}
			key := numberKey(n.Number)
			numbers[key] = mergeLink(numbers[key], numberLink{kind: kind, appID: a.app.ID})
		}
	}
	s := &snapshot{fetchStart: start, numbers: numbers}
	s.counts.Apps, s.counts.Unreadable = len(apps), unreadable
	for _, p := range numbers {
		s.counts.add(p.kind)
	}
	return s
}

// mergeLink returns where a number is that was seen first at p and then at q.
func mergeLink(p, q numberLink) numberLink {
	switch {
	case p.kind == 0, p.kind == available, p == q:
		return q
	case (p.kind == inActiveApp || p.kind == inActiveApps) && q.kind == inActiveApp:
		return numberLink{kind: inActiveApps}
	default:
		return numberLink{kind: inconsistent}
	}
}

func (c *Counts) add(k linkKind) {
	switch k {
	case inActiveApp, inActiveApps:
		c.Linked++
	case inInactiveApp:
		c.Inactive++
	case available:
		c.Available++
	case inconsistent:
		c.Inconsistent++
	}
}

// numberKey returns a number's digits, so that its formatting does not matter.
func numberKey(s string) string {
	if rest, ok := strings.CutPrefix(s, "+"); ok && onlyDigits(rest) {
		return rest
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
