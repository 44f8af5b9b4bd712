package sfvopi

import (
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
)

// snapshot is what one fetch saw. It never changes.
type snapshot struct {
	departure
	numbers   map[string]place
	counts    Counts
	inherited bool // from a directory that may have had another key
}

// departure is the beginning of a fetch, before its first request.
type departure struct {
	number   int // of all fetches; a higher one began later
	started  time.Time
	previous map[string]place // what the good fetch before saw; nil if there was none, it had odd entries, or was inherited
}

// Counts says how many apps and numbers the directory holds, for metrics.
type Counts struct {
	Apps         int // active or not
	Linked       int // numbers of ACTIVE apps
	Inactive     int // numbers of INACTIVE apps
	Available    int // numbers that are linked to no app
	Inconsistent int // numbers seen in two apps, or in an app of a status nobody documented
	Unreadable   int // entries that could not be read
}

// place is where a number was seen.
type place struct {
	kind  placeKind
	appID string // empty if available
}

type placeKind uint8

const (
	available placeKind = iota + 1
	inActiveApp
	inInactiveApp
	// inActiveApps: moved from one ACTIVE app to another during the fetch, or
	// listed twice. It is linked either way; to which app is not known.
	inActiveApps
	// doubtful: seen in two apps that are not both ACTIVE, or in one of a status
	// nobody documented.
	doubtful
)

// verdict says what the snapshot knows of a number.
//
// The three kinds of look-up that make a snapshot do not happen at one instant,
// so a number that is moved meanwhile can be seen twice or not at all. Where it
// was seen, it was at an instant after the fetch began. That it was seen
// nowhere says something only if the fetch before did not see it either, and
// neither had an entry that could not be read: it may be that one's.
func (s *snapshot) verdict(from, appID string) call.Linkage {
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
	case doubtful:
	}
	return call.LinkageNotKnown
}

// newSnapshot puts together what the look-ups of one fetch saw. The available
// numbers were read first, then the apps, then the numbers of each: so a number
// that was being linked meanwhile is seen at least once, and where it is seen
// in an app too, that is the later sight, which counts.
func newSnapshot(start departure, free []Number, apps []appNumbers, odd int) *snapshot {
	numbers := make(map[string]place, len(free))
	for _, n := range free {
		numbers[numberKey(n.Number)] = place{kind: available}
	}
	for _, a := range apps {
		kind := doubtful
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
			numbers[key] = seenAgain(numbers[key], place{kind: kind, appID: a.app.ID})
		}
	}
	s := &snapshot{departure: start, numbers: numbers}
	s.counts.Apps, s.counts.Unreadable = len(apps), odd
	for _, p := range numbers {
		s.counts.add(p.kind)
	}
	return s
}

// seenAgain says where a number is that was seen at q after it was seen at p.
func seenAgain(p, q place) place {
	switch {
	case p.kind == 0, p.kind == available, p == q:
		return q
	case (p.kind == inActiveApp || p.kind == inActiveApps) && q.kind == inActiveApp:
		return place{kind: inActiveApps}
	default:
		return place{kind: doubtful}
	}
}

func (c *Counts) add(k placeKind) {
	switch k {
	case inActiveApp, inActiveApps:
		c.Linked++
	case inInactiveApp:
		c.Inactive++
	case available:
		c.Available++
	case doubtful:
		c.Inconsistent++
	}
}

// numberKey gives a number's digits, so that it is found however the provider
// sets it.
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
