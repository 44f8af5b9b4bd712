package dispatcher

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// noon is the present of the tables.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// situation is one delivery, the record it meets, and the time.
type situation struct {
	facts    facts
	delivery call.Delivery
	// record is what is stored, if read is true.
	record  call.Record
	version call.Version
	read    bool
}

func (s situation) decide() decision {
	t := identify(s.delivery, testSettings())
	if s.read {
		r := s.record
		if r.State == call.StateAbsent {
			r = t.record
			r.State = call.StateAbsent
		}
		t.record, t.version, t.loaded = r, s.version, true
	}
	return decide(&t, s.facts)
}

func situate() situation {
	return situation{facts: facts{
		now: noon, created: noon.Add(-240 * time.Hour), validFrom: noon.Add(-240 * time.Hour),
		maxAge: 24 * time.Hour, keep: 36 * time.Hour,
	}}
}

// first is the delivery of a request that was published so long ago.
func (s situation) first(age time.Duration, body []byte) situation {
	s.delivery = call.Delivery{
		Account: "acme", Priority: call.Normal, Delivered: 1, Body: body,
		Origin: call.Origin{Sequence: 7, Published: noon.Add(-age)},
	}
	return s
}

// due is the delivery of the record that identify makes of the first delivery,
// waiting since then.
func (s situation) due(sequence uint64, waits func(call.Record) call.Record) situation {
	r := s.own()
	if waits != nil {
		r = waits(r)
	}
	s.delivery = call.Delivery{
		Account: "acme", Priority: call.Normal, Delivered: 1, Origin: r.Origin,
		Due: &call.Due{Record: r, Version: call.Version{Created: s.facts.created, Sequence: sequence}},
	}
	return s
}

// own is the record of the request that the delivery asks for, parked until
// just now.
func (s situation) own() call.Record {
	r := identify(s.delivery, testSettings()).record
	r.State, r.Parked, r.NextAt = call.StateWaiting, true, noon.Add(-time.Second)
	r.Changed = noon.Add(-time.Minute)
	return r
}

// finds has the record read, with this result.
func (s situation) finds(sequence uint64, r call.Record) situation {
	s.read, s.record = true, r
	s.version = call.Version{Created: s.facts.created, Sequence: sequence}
	return s
}

// paused lets the call's number be paused, and looked at again in a minute.
func paused(s situation) situation {
	s.facts.recheckAt = noon.Add(time.Minute)
	return s
}

func with(r call.Record, change func(*call.Record)) call.Record {
	change(&r)
	return r
}

func inState(r call.Record, s call.State) call.Record {
	return with(r, func(r *call.Record) { r.State, r.Parked = s, false })
}

func at(d time.Duration) string { return noon.Add(d).Format(time.RFC3339Nano) }

func TestDecide(t *testing.T) {
	fresh := situate().first(time.Minute, requestBody("a"))
	again := fresh.due(5, nil)
	other := situate().first(time.Minute, requestBody("a", "app_id", "another")).own()
	elsewhere := with(fresh.own(), func(r *call.Record) { r.Origin.Sequence = 3 })
	reborn := with(fresh.own(), func(r *call.Record) { r.Origin.Published = r.Origin.Published.Add(-time.Hour) })
	dialling := func(r call.Record) call.Record { return inState(r, call.StateDialling) }
	oddPriority := fresh
	oddPriority.delivery.Priority = "critical"

	for _, c := range []struct {
		name   string
		s      situation
		want   action
		reason call.Reason
		at     time.Time
	}{
		// The happy path reads nothing.
		{"first", fresh, actClaim, "", time.Time{}},
		{"due", again, actClaim, "", time.Time{}},
		{"first, looked up, nothing there", fresh.finds(0, call.Record{}), actClaim, "", time.Time{}},

		// A first delivery against every state.
		{"first, waits parked", fresh.finds(9, fresh.own()), actSchedule, "", time.Time{}},
		{"first, waits parked for later", fresh.finds(9, with(fresh.own(), func(r *call.Record) { r.NextAt = noon.Add(time.Hour) })), actSchedule, "", time.Time{}},
		{"first, waits in this message", fresh.finds(9, with(fresh.own(), func(r *call.Record) { r.Parked = false })), actClaim, "", time.Time{}},
		{
			"first, waits in this message until later", fresh.finds(9, with(fresh.own(), func(r *call.Record) { r.Parked, r.NextAt = false, noon.Add(time.Hour) })),
			actNak, "", noon.Add(time.Hour),
		},
		{"first, dialling", fresh.finds(9, inState(fresh.own(), call.StateDialling)), actAwaitOwner, "", time.Time{}},
		{"first, placed", fresh.finds(9, inState(fresh.own(), call.StatePlaced)), actAck, "", time.Time{}},
		{"first, cancelled", fresh.finds(9, inState(fresh.own(), call.StateCancelled)), actAck, "", time.Time{}},
		{"first, dead", fresh.finds(9, inState(fresh.own(), call.StateDead)), actDeadLetter, "", time.Time{}},
		{"first, dead and discarded", fresh.finds(9, with(inState(fresh.own(), call.StateDead), func(r *call.Record) { r.Discarded = true })), actAck, "", time.Time{}},
		{"first, unknown", fresh.finds(9, inState(fresh.own(), call.StateUnknown)), actDeadLetter, "", time.Time{}},
		{"first, a state of a newer worker", fresh.finds(9, inState(fresh.own(), "ringing")), actNak, "", noon.Add(lookupDelay)},

		// A due delivery against every state, at the version it carries and behind.
		{"due, current", again.finds(5, again.own()), actClaim, "", time.Time{}},
		{"due, stale, waits parked", again.finds(9, again.own()), actSchedule, "", time.Time{}},
		{"due, stale, waits in a message", again.finds(9, with(again.own(), func(r *call.Record) { r.Parked = false })), actClaim, "", time.Time{}},
		{"due, dialling", again.finds(9, inState(again.own(), call.StateDialling)), actAwaitOwner, "", time.Time{}},
		{"due, placed", again.finds(9, inState(again.own(), call.StatePlaced)), actAck, "", time.Time{}},
		{"due, cancelled", again.finds(9, inState(again.own(), call.StateCancelled)), actAck, "", time.Time{}},
		{"due, dead", again.finds(9, inState(again.own(), call.StateDead)), actDeadLetter, "", time.Time{}},
		{"due, unknown", again.finds(9, inState(again.own(), call.StateUnknown)), actDeadLetter, "", time.Time{}},
		{"due, its record is gone", again.finds(0, call.Record{}), actEnd, call.TooOldToKnow, time.Time{}},

		// Sequences of a recreated stream mean nothing.
		{"due, other incarnation", func() situation { s := again; s.facts.created = noon; return s }(), actRead, "", time.Time{}},
		{
			"due, other incarnation with the same sequence",
			func() situation { s := again.finds(5, again.own()); s.version.Created = noon; return s }(), actSchedule, "",
			time.Time{},
		},

		// A copy of a call that does not wait.
		{"due, a call that was being dialled", again.due(5, dialling), actRead, "", time.Time{}},
		{"due, a call that was being dialled, and still is", again.due(5, dialling).finds(5, inState(again.own(), call.StateDialling)), actAwaitOwner, "", time.Time{}},
		{"a recovery message", again.due(5, func(r call.Record) call.Record { return inState(r, call.StateUnknown) }), actRead, "", time.Time{}},
		{
			"a recovery message, its record read",
			again.due(5, func(r call.Record) call.Record { return inState(r, call.StateUnknown) }).finds(6, inState(again.own(), call.StatePlaced)),
			actRecover, "",
			time.Time{},
		},

		// Whose call is it?
		{"same id, other content", fresh.finds(9, other), actConflict, call.IDConflict, time.Time{}},
		{"same id, other content, ended long ago", fresh.finds(9, inState(other, call.StatePlaced)), actConflict, call.IDConflict, time.Time{}},
		{"same id and content, other message", fresh.finds(9, elsewhere), actDuplicate, "", time.Time{}},
		{"same id, content and sequence of another stream", fresh.finds(9, reborn), actDuplicate, "", time.Time{}},
		{"same id, other content and other message", fresh.finds(9, with(other, func(r *call.Record) { r.Origin.Sequence = 3 })), actConflict, call.IDConflict, time.Time{}},
		{"cancelled before anybody saw it", fresh.finds(9, call.Record{State: call.StateCancelled}), actAck, "", time.Time{}},

		// What can never be dialled.
		{"invalid", situate().first(0, requestBody("a", "ring_method", "PUT")), actEnd, call.InvalidRequest, time.Time{}},
		{"malformed with an id", situate().first(0, requestBody("a", "no_such_field", "x")), actEnd, call.Malformed, time.Time{}},
		{"malformed without an id", situate().first(0, []byte(`[`)), actDeadLetterOnly, call.Malformed, time.Time{}},
		{"invalid without an id", situate().first(0, requestBody("", "ring_method", "PUT")), actDeadLetterOnly, call.InvalidRequest, time.Time{}},
		{"an id that cannot be one", situate().first(0, requestBody("a b")), actDeadLetterOnly, call.Malformed, time.Time{}},
		{"a priority that is none", oddPriority, actEnd, call.Malformed, time.Time{}},
		{"invalid, its id in use for another", situate().first(0, requestBody("a", "ring_method", "PUT")).finds(9, other), actConflict, call.IDConflict, time.Time{}},
		{"due, no longer valid", again.due(5, func(r call.Record) call.Record { r.Request = []byte(`{}`); return r }), actEnd, call.InvalidRequest, time.Time{}},

		// Its times.
		{"expires_at is over", situate().first(time.Minute, requestBody("a", "expires_at", at(-time.Second))), actEnd, call.Expired, time.Time{}},
		{"expires_at is now", situate().first(time.Minute, requestBody("a", "expires_at", at(0))), actEnd, call.Expired, time.Time{}},
		{"expires_at is to come", situate().first(time.Minute, requestBody("a", "expires_at", at(time.Second))), actClaim, "", time.Time{}},
		{"max_age is over", situate().first(24*time.Hour, requestBody("a")), actEnd, call.Expired, time.Time{}},
		{"max_age is nearly over", situate().first(24*time.Hour-time.Second, requestBody("a")), actClaim, "", time.Time{}},
		{"expires_at beyond max_age", situate().first(24*time.Hour, requestBody("a", "expires_at", at(time.Hour))), actEnd, call.Expired, time.Time{}},
		{
			"due, expired while it waited", situate().first(time.Hour, requestBody("a", "expires_at", at(-time.Second))).due(5, nil),
			actEnd, call.Expired,
			time.Time{},
		},
		{"not_before", situate().first(time.Minute, requestBody("a", "not_before", at(time.Hour))), actPark, call.NotYet, noon.Add(time.Hour)},
		{"not_before is now", situate().first(time.Minute, requestBody("a", "not_before", at(0))), actClaim, "", time.Time{}},
		{"its number is paused", paused(fresh), actPark, call.Paused, noon.Add(time.Minute)},
		{"its number is paused, due", paused(again), actPark, call.Paused, noon.Add(time.Minute)},
		{"its number is paused beyond its deadline", paused(situate().first(time.Minute, requestBody("a", "expires_at", at(time.Second)))), actPark, call.Paused, noon.Add(time.Second)},
		{"its number is paused, it is expired", paused(situate().first(25*time.Hour, requestBody("a"))), actEnd, call.Expired, time.Time{}},
		{"its number is paused before not_before", paused(situate().first(time.Minute, requestBody("a", "not_before", at(time.Hour)))), actPark, call.NotYet, noon.Add(time.Hour)},
		{"not_before at max_age", situate().first(time.Minute, requestBody("a", "not_before", at(24*time.Hour-time.Minute))), actPark, call.NotYet, noon.Add(24*time.Hour - time.Minute)},
		{"not_before beyond max_age", situate().first(time.Minute, requestBody("a", "not_before", at(24*time.Hour))), actEnd, call.InvalidRequest, time.Time{}},
		{
			"due early by this clock: handed back, not parked again and again",
			again.due(5, func(r call.Record) call.Record { r.NextAt = noon.Add(time.Second); return r }), actNak, "", noon.Add(time.Second),
		},
		{
			"due at not_before early by this clock",
			situate().first(time.Minute, requestBody("a", "not_before", at(time.Second))).
				due(5, func(r call.Record) call.Record { r.NextAt = noon.Add(time.Second); return r }), actNak, "", noon.Add(time.Second),
		},
		{
			"replayed: its age counts again from then",
			situate().first(30*time.Hour, requestBody("a")).due(5, func(r call.Record) call.Record { r.Since = noon.Add(-time.Hour); return r }),
			actClaim, "",
			time.Time{},
		},

		// What cannot be known any more.
		{"older than records are kept", situate().first(36*time.Hour+time.Second, requestBody("a")), actEnd, call.TooOldToKnow, time.Time{}},
		{"as old as records are kept", situate().first(36*time.Hour, requestBody("a")), actEnd, call.Expired, time.Time{}},
		{"older than the records", func() situation { s := fresh; s.facts.validFrom = noon.Add(-time.Second); return s }(), actEnd, call.TooOldToKnow, time.Time{}},
		{"as old as the records", func() situation { s := fresh; s.facts.validFrom = noon.Add(-time.Minute); return s }(), actClaim, "", time.Time{}},
		{
			"older than the records, with a record all the same",
			func() situation {
				s := fresh.finds(9, inState(fresh.own(), call.StatePlaced))
				s.facts.validFrom = noon
				return s
			}(), actAck, "",
			time.Time{},
		},
		{
			"waiting in an older copy of the records", func() situation { s := again; s.facts.validFrom = noon; return s }(),
			actEnd, call.TooOldToKnow,
			time.Time{},
		},
		{
			"waiting in an older copy of the records, read",
			func() situation { s := fresh.finds(9, fresh.own()); s.facts.validFrom = noon; return s }(),
			actEnd, call.TooOldToKnow,
			time.Time{},
		},
		{
			"waiting since the records were declared valid",
			func() situation { s := again; s.facts.validFrom = noon.Add(-time.Minute); return s }(),
			actClaim, "",
			time.Time{},
		},
		{
			"waiting, and written by a clock that is behind the broker's", func() situation {
				s := fresh
				s.facts.created, s.facts.validFrom = noon, noon
				return s.due(5, nil)
			}(), actClaim, "",
			time.Time{},
		},

		// What kills workers.
		{"delivered 300 times", delivered(fresh, 300), actClaim, "", time.Time{}},
		{"delivered 301 times", delivered(fresh, 301), actRead, "", time.Time{}},
		{"delivered 301 times and left no record", delivered(fresh, 301).finds(0, call.Record{}), actEnd, call.Poison, time.Time{}},
		{"delivered 301 times with a record", delivered(fresh, 301).finds(9, inState(fresh.own(), call.StateDialling)), actAwaitOwner, "", time.Time{}},
		{"due, delivered 301 times", delivered(again, 301), actClaim, "", time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.s.decide()
			if got.act != c.want || got.reason != c.reason || !got.at.Equal(c.at) {
				t.Errorf("got %+v, want action %d, reason %q, at %s", got, c.want, c.reason, c.at)
			}
			if (got.act == actEnd || got.act == actDeadLetterOnly || got.act == actConflict) && got.message == "" {
				t.Error("it ends without a word")
			}
		})
	}
}

func delivered(s situation, times uint64) situation {
	s.delivery.Delivered = times
	return s
}
