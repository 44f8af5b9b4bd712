package reconcile

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ringonce/ringonce/call"
)

// Check compares what the witnesses say. It is pure.
func Check(e Input) Report {
	j := judgement{
		verdict:   Report{Published: len(e.Published), Dead: map[call.Reason]int{}},
		records:   map[string][]call.Record{},
		byID:      map[call.ID]call.Record{},
		letters:   map[string][]DeadLetter{},
		published: map[string]bool{},
	}
	for _, r := range e.Records {
		j.records[r.Origin.Key()] = append(j.records[r.Origin.Key()], r)
		j.byID[r.ID] = r
	}
	for _, l := range e.DeadLetters {
		j.letters[l.OriginKey] = append(j.letters[l.OriginKey], l)
	}
	calls := make([]dialled, 0, len(e.Published))
	for _, p := range e.Published {
		if j.published[p.OriginKey] {
			j.contradict(p.Name, "it came by message %s, and so did another", p.OriginKey)
		}
		j.published[p.OriginKey] = true
		calls = append(calls, j.ending(p))
	}
	j.strangers(e)
	for _, l := range e.Remaining {
		if l.Messages > 0 {
			j.contradict(l.Stream, "%d messages were left behind", l.Messages)
		}
	}
	j.rings(calls, e.Rings)
	return j.verdict
}

type judgement struct {
	verdict   Report
	records   map[string][]call.Record
	byID      map[call.ID]call.Record
	letters   map[string][]DeadLetter
	published map[string]bool
}

func (j *judgement) contradict(name, format string, values ...any) {
	j.verdict.Discrepancies = append(j.verdict.Discrepancies, Discrepancy{Name: name, Problem: fmt.Sprintf(format, values...)})
}

// ending finds how one request ended, and gives what that allows the provider
// to have done.
func (j *judgement) ending(p Published) dialled {
	d := identity(p)
	records, letters := j.records[p.OriginKey], j.letters[p.OriginKey]
	switch {
	case len(records) > 1:
		j.contradict(p.Name, "it has %d records", len(records))
	case len(records) == 1:
		j.recorded(p, records[0], letters, &d)
	case len(letters) == 1:
		j.buried(p, letters[0])
	case len(letters) > 1:
		j.contradict(p.Name, "it has %d dead letters: %v", len(letters), reasons(letters))
	case j.takenBack(p):
		j.verdict.Dead[call.Cancelled]++
	case j.repeats(p):
		j.verdict.Duplicates++
	default:
		j.contradict(p.Name, "it was forgotten: no record, no dead letter, no earlier request of the same id and content")
	}
	return d
}

// recorded is a request with a record of its own.
func (j *judgement) recorded(p Published, r call.Record, letters []DeadLetter, d *dialled) {
	if len(r.Request) > 0 && !bytes.Equal(r.Request, p.Body) {
		j.contradict(p.Name, "its record holds another request")
	}
	switch r.State {
	case call.StatePlaced:
		j.verdict.Placed++
		if r.Made > 1 {
			j.verdict.Retried++
		}
		d.mayHaveRung, d.placedAs = true, r.RequestUUID
		j.expectLetters(p, r.State, letters)
	case call.StateDead:
		j.verdict.Dead[r.Reason]++
		d.mayHaveRung = r.MayHaveRung
		if !r.Discarded {
			j.expectLetters(p, r.State, letters, r.Reason)
		}
	case call.StateUnknown:
		j.verdict.Unknown++
		d.mayHaveRung = true
		j.expectLetters(p, r.State, letters, call.OutcomeUnknown)
	case call.StateCancelled:
		j.verdict.Dead[call.Cancelled]++
		j.expectLetters(p, r.State, letters)
	case call.StateWaiting, call.StateDialling, call.StateAbsent:
		j.contradict(p.Name, "it has not ended: its record is %s", r.State)
		d.mayHaveRung = r.State == call.StateDialling
	default:
		j.contradict(p.Name, "its record is in a state that is not known: %s", r.State)
	}
}

// buried is a request that has a dead letter and no record: one without a
// readable id, or one whose id is another request's.
func (j *judgement) buried(p Published, l DeadLetter) {
	j.verdict.Dead[l.Reason]++
	id, _, err := read(p)
	_, taken := j.byID[l.ID]
	switch {
	case l.Reason == call.IDConflict && (!taken || l.ID != id):
		j.contradict(p.Name, "it is dead as %s, and no other request has its id", l.Reason)
	case l.Reason != call.IDConflict && (id != "" || err == nil):
		j.contradict(p.Name, "it is dead as %s without a record", l.Reason)
	}
}

// takenBack reports whether the request was cancelled before any worker had seen
// it: its record then names the id alone.
func (j *judgement) takenBack(p Published) bool {
	id, _, _ := read(p)
	r, ok := j.byID[id]
	return ok && unseen(r)
}

func unseen(r call.Record) bool { return r.State == call.StateCancelled && r.Origin.Sequence == 0 }

// repeats reports whether the same id and content has a record under another
// message.
func (j *judgement) repeats(p Published) bool {
	id, digest, _ := read(p) // what is wrong with it is wrong with the first one, too
	first, ok := j.byID[id]
	return ok && id != "" && first.Digest == digest
}

// read finds the id that a publisher gave, empty if there is none, and the
// digest of the content.
func read(p Published) (call.ID, call.Digest, error) {
	request, digest, err := call.DecodeRequest(p.Body, call.PossibleNumbers)
	id := request.ID
	if id == "" && err != nil {
		id, _ = call.ReadID(p.Body)
	}
	if id == "" {
		id, _ = call.ParseID(p.MessageID) // without one it has no id
	}
	return id, digest, err
}

func (j *judgement) expectLetters(p Published, s call.State, letters []DeadLetter, want ...call.Reason) {
	if got := reasons(letters); !slices.Equal(got, want) {
		j.contradict(p.Name, "it is %s, which asks for the dead letters %v, and has %v", s, want, got)
	}
}

// strangers are records and dead letters that belong to nothing published.
func (j *judgement) strangers(e Input) {
	for _, r := range e.Records {
		if !j.published[r.Origin.Key()] && !unseen(r) {
			j.contradict(string(r.ID), "it has a record, and nobody of the batch published it")
		}
	}
	for _, l := range e.DeadLetters {
		if !j.published[l.OriginKey] {
			j.contradict(string(l.ID), "it has a dead letter (%s), and nobody of the batch published it", l.Reason)
		}
	}
}

func reasons(letters []DeadLetter) []call.Reason {
	var list []call.Reason
	for _, l := range letters {
		list = append(list, l.Reason)
	}
	return list
}
