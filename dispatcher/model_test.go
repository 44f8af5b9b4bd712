package dispatcher

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringonce/ringonce/call"
)

// expected decides the same situations as decide does, told the other way
// round: by what may happen to a request, one prohibition after the other, in
// the words of the protocol.
func expected(s situation) (action, call.Reason) {
	t := identify(s.delivery, testSettings())
	isDue := s.delivery.Due != nil
	if t.noID {
		return actDeadLetterOnly, t.invalid.Reason
	}
	trusted := s.read || !isDue ||
		(s.delivery.Due.Version.Created.Equal(s.facts.created) && s.delivery.Due.Record.State == call.StateWaiting)
	if !trusted {
		return actRead, ""
	}
	if isDue && s.read && hasDeadLetter(s.delivery.Due.Record) {
		return actRecover, ""
	}
	hasRecord := (s.read && s.record.State != call.StateAbsent) || (!s.read && isDue)
	r := t.record
	if s.read && hasRecord {
		r = s.record
	}
	if s.read && hasRecord {
		sameContent := r.Digest == t.digest || r.Digest == ""
		sameMessage := r.Origin.Same(t.Origin) || r.Digest == ""
		behind := !isDue || s.delivery.Due.Version != s.version
		switch {
		case !sameContent:
			return actConflict, call.IDConflict
		case !sameMessage:
			return actDuplicate, ""
		case r.State == call.StatePlaced, r.State == call.StateCancelled, r.State == call.StateDead && r.Discarded:
			return actAck, ""
		case r.State == call.StateDead, r.State == call.StateUnknown:
			return actDeadLetter, ""
		case r.State == call.StateDialling:
			return actAwaitOwner, ""
		case outdated(s, r):
			return actEnd, call.TooOldToKnow
		case r.Parked && behind:
			return actSchedule, ""
		}
	}
	if s.read && !hasRecord && isDue {
		return actEnd, call.TooOldToKnow
	}
	if hasRecord && outdated(s, r) {
		return actEnd, call.TooOldToKnow
	}
	if !hasRecord {
		age := s.facts.now.Sub(t.Origin.Published)
		if t.Origin.Published.Before(s.facts.validFrom) || age > s.facts.keep {
			return actEnd, call.TooOldToKnow
		}
		if s.delivery.Delivered > 300 && s.read {
			return actEnd, call.Poison
		}
		if s.delivery.Delivered > 300 {
			return actRead, ""
		}
	}
	if t.invalid != nil {
		return actEnd, t.invalid.Reason
	}
	end := r.Since.Add(s.facts.maxAge)
	if t.request.NotBefore.After(end) {
		return actEnd, call.InvalidRequest
	}
	if e := t.request.ExpiresAt; !e.IsZero() && e.Before(end) {
		end = e
	}
	switch {
	case !end.After(s.facts.now):
		return actEnd, call.Expired
	case r.NextAt.After(s.facts.now):
		return actNak, ""
	case t.request.NotBefore.After(s.facts.now):
		return actPark, call.NotYet
	}
	return actClaim, ""
}

// outdated reports whether the records were declared valid from later than their
// beginning on, and the record was written before that.
func outdated(s situation, r call.Record) bool {
	return s.facts.validFrom.After(s.facts.created) && s.facts.validFrom.After(r.Changed)
}

// TestDecideAgainstAModel draws situations that no table lists.
func TestDecideAgainstAModel(t *testing.T) {
	seen := map[action]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 40 {
			s := drawSituation(t)
			want, reason := expected(s)
			got := s.decide()
			seen[got.act]++
			if got.act != want || got.reason != reason {
				t.Fatalf("decided %d %q, want %d %q", got.act, got.reason, want, reason)
			}
		}
	})
	for a := actRead; a <= actDuplicate; a++ {
		if seen[a] < 5 {
			t.Errorf("action %d was decided %d times", a, seen[a])
		}
	}
}

func drawSituation(t *rapid.T) situation {
	bodies := [][]byte{
		requestBody("a"), requestBody("a", "app_id", "x"), requestBody("a", "ring_method", "PUT"), requestBody(""), []byte("{"),
		requestBody("a", "not_before", at(time.Hour)), requestBody("a", "expires_at", at(-time.Hour)), requestBody("a", "expires_at", at(time.Hour)),
		requestBody("a", "not_before", at(20*time.Hour)),
	}
	ages := []time.Duration{0, time.Minute, 23 * time.Hour, 24 * time.Hour, 30 * time.Hour, 36 * time.Hour, 40 * time.Hour, 400 * time.Hour}
	times := []time.Time{{}, noon.Add(-time.Hour), noon, noon.Add(time.Hour)}
	s := situate().first(rapid.SampledFrom(ages).Draw(t, "age"), rapid.SampledFrom(bodies).Draw(t, "body"))
	s.facts.validFrom = noon.Add(-rapid.SampledFrom(ages).Draw(t, "valid"))
	varied := func(r call.Record) call.Record {
		r.NextAt = rapid.SampledFrom(times).Draw(t, "next")
		r.Since = noon.Add(-rapid.SampledFrom(ages).Draw(t, "since"))
		r.Changed = noon.Add(-rapid.SampledFrom(ages).Draw(t, "changed"))
		return r
	}
	if rapid.Bool().Draw(t, "due") {
		s = s.due(rapid.Uint64Range(5, 6).Draw(t, "carries"), func(r call.Record) call.Record {
			if rapid.IntRange(0, 7).Draw(t, "recovery") == 0 {
				r.State = rapid.SampledFrom([]call.State{call.StateUnknown, call.StateDead, call.StateDialling}).Draw(t, "carried")
			}
			return varied(r)
		})
		if rapid.IntRange(0, 3).Draw(t, "incarnation") == 0 {
			s.facts.created = noon
		}
	}
	s.delivery.Delivered = rapid.Uint64Range(299, 302).Draw(t, "delivered")
	switch rapid.IntRange(0, 3).Draw(t, "record") {
	case 0:
	case 1:
		s = s.finds(0, call.Record{})
	default:
		r := varied(s.own())
		r.State = rapid.SampledFrom(call.States()).Draw(t, "state")
		r.Parked, r.Discarded = rapid.Bool().Draw(t, "parked"), rapid.Bool().Draw(t, "discarded")
		if rapid.IntRange(0, 4).Draw(t, "whose") == 0 {
			r.Digest = "f1:other"
		}
		if rapid.IntRange(0, 4).Draw(t, "which") == 0 {
			r.Origin.Sequence++
		}
		s = s.finds(rapid.Uint64Range(5, 6).Draw(t, "version"), r)
	}
	return s
}
