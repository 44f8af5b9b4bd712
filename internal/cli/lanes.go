package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// laneGroup is the workers whose lanes of an account do the same for the same
// reason.
type laneGroup struct {
	workers int
	status  call.LaneStatus // since the first of them, and until the next of them goes on
}

// groupLanes puts lanes that do the same together, the largest group first.
func groupLanes(lanes []queue.WorkerLane) []laneGroup {
	var groups []laneGroup
	for _, lane := range lanes {
		i := slices.IndexFunc(groups, func(g laneGroup) bool { return g.status.Same(lane.LaneStatus) })
		if i < 0 {
			groups = append(groups, laneGroup{1, lane.LaneStatus})
			continue
		}
		groups[i].add(lane.LaneStatus)
	}
	slices.SortStableFunc(groups, func(a, b laneGroup) int { return cmp.Compare(b.workers, a.workers) })
	return groups
}

func (g *laneGroup) add(s call.LaneStatus) {
	g.workers++
	if s.State == call.LaneProbing {
		g.status.State = call.LaneProbing
	}
	g.status.Since = earliest(g.status.Since, s.Since)
	g.status.Next = earliest(g.status.Next, s.Next)
}

// earliest gives the earlier of two times that are known.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// laneText says in a few words what a lane is doing.
func laneText(s call.LaneStatus, now time.Time) string {
	switch s.State {
	case call.LaneRunning:
		return "running"
	case call.LaneThrottled:
		text := "throttled until " + s.Next.UTC().Format("15:04:05Z")
		if s.Reason == call.RateLimited {
			return text + " (429)"
		}
		return text + parenthesized(s.Reason)
	case call.LaneOpen:
		return "provider down" + durationSince(s.Since, now) + parenthesized(s.Reason) + nextTry(s.Next, now)
	case call.LaneProbing:
		return "provider down" + durationSince(s.Since, now) + parenthesized(s.Reason) + ", one call tries now"
	case call.LaneSuspended:
		return "suspended: " + string(s.Reason) + durationSince(s.Since, now) + nextTry(s.Next, now)
	case call.LanePaused:
		return "paused" + durationSince(s.Since, now)
	case call.LaneStopped:
		return "stopped" + durationSince(s.Since, now) + ": " + stopReason(s.Reason)
	default:
		return string(s.State) + parenthesized(s.Reason) // of a newer version
	}
}

func parenthesized(r call.Reason) string {
	if r == "" {
		return ""
	}
	return " (" + string(r) + ")"
}

func durationSince(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	return " " + formatDuration(max(now.Sub(since), 0))
}

func nextTry(at, now time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case !at.After(now):
		return ", next try now"
	default:
		return ", next try in " + formatDuration(at.Sub(now).Round(time.Second))
	}
}

// stopReasons say why a lane does nothing.
func stopReasons() map[call.Reason]string {
	return map[call.Reason]string{
		call.ShuttingDown:     "its worker shuts down",
		call.RecordsUnchecked: "the call records are not checked yet",
		call.RecordsUntrusted: "the call records may not be trusted; see ringonce doctor",
		call.FlagsUnknown:     "the control flags cannot be read",
		call.NumbersUnknown:   "its numbers could not be looked up yet",
		call.LookupsRefused:   "the provider refuses to say its numbers; check its key",
		call.RateUnknown:      "its calls per second cannot be counted; see ringonce streams check",
	}
}

// stopReason says why a lane does nothing; a worker of a newer version may know more.
func stopReason(r call.Reason) string { return cmp.Or(stopReasons()[r], string(r)) }

// lanesText says what the workers do for an account: those that do the same
// together, and how many they are if others do something else. What left reports
// is left out.
func lanesText(lanes []queue.WorkerLane, now time.Time, skip func(call.LaneStatus) bool) []string {
	groups := groupLanes(lanes)
	var texts []string
	for _, g := range groups {
		switch {
		case skip(g.status):
		case len(groups) == 1:
			texts = append(texts, laneText(g.status, now))
		default:
			texts = append(texts, fmt.Sprintf("%d of %s: %s", g.workers, plural(len(lanes), "worker"), laneText(g.status, now)))
		}
	}
	return texts
}

// pauseText says who paused, when, and why if that was said.
func pauseText(p call.Pause, now time.Time) string {
	text := fmt.Sprintf("paused %s by %s", relativeTime(p.Since, now), p.By)
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

func isSlowed(l queue.WorkerLane) bool { return l.State == call.LaneThrottled }
