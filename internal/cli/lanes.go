package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
)

// laneGroup is the lanes of an account that are in the same state for the same
// reason.
type laneGroup struct {
	workers int
	status  call.LaneStatus // since the earliest of them, until the first of them resumes
}

// groupLanes groups lanes by state and reason, the largest group first.
func groupLanes(lanes []control.WorkerLane) []laneGroup {
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

// earliest returns the earlier of two times, ignoring zero ones.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// laneText describes the state of a lane.
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
		return "provider down" + durationSince(s.Since, now) + parenthesized(s.Reason) + ", probing now"
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
		return ", next probe now"
	default:
		return ", next probe in " + formatDuration(at.Sub(now).Round(time.Second))
	}
}

// stopReasons describe why a lane is stopped.
func stopReasons() map[call.Reason]string {
	return map[call.Reason]string{
		call.ShuttingDown:     "its worker is shutting down",
		call.RecordsUnchecked: "the call records are not verified yet",
		call.RecordsUntrusted: "the call records are not trusted; see ringonce doctor",
		call.FlagsUnknown:     "the control flags cannot be read",
		call.NumbersUnknown:   "its numbers have not been looked up yet",
		call.LookupsRefused:   "the provider rejects its look-ups; check its key",
		call.RateUnknown:      "its rate limit is unavailable; see ringonce streams check",
	}
}

// stopReason describes why a lane is stopped; workers of newer versions may have
// other reasons.
func stopReason(r call.Reason) string { return cmp.Or(stopReasons()[r], string(r)) }

// lanesText describes the lanes of an account, one text for each group, with the
// number of workers if there are several groups. Lanes that skip reports are left
// out.
func lanesText(lanes []control.WorkerLane, now time.Time, skip func(call.LaneStatus) bool) []string {
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

// pauseText describes a pause: when, by whom, and why if that is known.
func pauseText(p call.Pause, now time.Time) string {
	text := fmt.Sprintf("paused %s by %s", relativeTime(p.Since, now), p.By)
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

func isThrottled(l control.WorkerLane) bool { return l.State == call.LaneThrottled }
