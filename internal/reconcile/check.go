package reconcile

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ringonce/ringonce/call"
)

// Check compares what the sources say. It is pure.
func Check(in Input) Report {
	c := checker{
		report:    Report{Published: len(in.Published), Dead: map[call.Reason]int{}},
		records:   map[string][]call.Record{},
		byID:      map[call.ID]call.Record{},
		letters:   map[string][]DeadLetter{},
		published: map[string]bool{},
	}
	for _, r := range in.Records {
		c.records[r.Origin.Key()] = append(c.records[r.Origin.Key()], r)
		c.byID[r.ID] = r
	}
	for _, l := range in.DeadLetters {
		c.letters[l.OriginKey] = append(c.letters[l.OriginKey], l)
	}
	calls := make([]expectation, 0, len(in.Published))
	for _, p := range in.Published {
		if c.published[p.OriginKey] {
			c.addf(p.Name, "its message %s is also that of another request", p.OriginKey)
		}
		c.published[p.OriginKey] = true
		calls = append(calls, c.checkEnding(p))
	}
	c.checkUnexpected(in)
	for _, l := range in.Remaining {
		if l.Messages > 0 {
			c.addf(l.Stream, "%d messages are left", l.Messages)
		}
	}
	c.checkRings(calls, in.Rings)
	return c.report
}

type checker struct {
	report    Report
	records   map[string][]call.Record
	byID      map[call.ID]call.Record
	letters   map[string][]DeadLetter
	published map[string]bool
}

func (c *checker) addf(name, format string, values ...any) {
	c.report.Discrepancies = append(c.report.Discrepancies, Discrepancy{Name: name, Problem: fmt.Sprintf(format, values...)})
}

// checkEnding finds how one request ended, and returns which rings that allows.
func (c *checker) checkEnding(p Published) expectation {
	d := identity(p)
	records, letters := c.records[p.OriginKey], c.letters[p.OriginKey]
	switch {
	case len(records) > 1:
		c.addf(p.Name, "it has %d records", len(records))
	case len(records) == 1:
		c.checkRecord(p, records[0], letters, &d)
	case len(letters) == 1:
		c.checkDeadLetter(p, letters[0])
	case len(letters) > 1:
		c.addf(p.Name, "it has %d dead letters: %v", len(letters), reasons(letters))
	case c.cancelledUnseen(p):
		c.report.Dead[call.Cancelled]++
	case c.isDuplicate(p):
		c.report.Duplicates++
	default:
		c.addf(p.Name, "it was forgotten: no record, no dead letter, no earlier request of the same id and content")
	}
	return d
}

// checkRecord checks a request that has a record of its own.
func (c *checker) checkRecord(p Published, r call.Record, letters []DeadLetter, d *expectation) {
	if len(r.Request) > 0 && !bytes.Equal(r.Request, p.Body) {
		c.addf(p.Name, "its record holds another request")
	}
	switch r.State {
	case call.StatePlaced:
		c.report.Placed++
		if r.Made > 1 {
			c.report.Retried++
		}
		d.mayHaveRung, d.placedAs = true, r.RequestUUID
		c.wantLetters(p, r.State, letters)
	case call.StateDead:
		c.report.Dead[r.Reason]++
		d.mayHaveRung = r.MayHaveRung
		if !r.Discarded {
			c.wantLetters(p, r.State, letters, r.Reason)
		}
	case call.StateUnknown:
		c.report.Unknown++
		d.mayHaveRung = true
		c.wantLetters(p, r.State, letters, call.OutcomeUnknown)
	case call.StateCancelled:
		c.report.Dead[call.Cancelled]++
		c.wantLetters(p, r.State, letters)
	case call.StateWaiting, call.StateDialling, call.StateAbsent:
		c.addf(p.Name, "it has not ended: its record is %s", r.State)
		d.mayHaveRung = r.State == call.StateDialling
	default:
		c.addf(p.Name, "its record is in an unknown state: %s", r.State)
	}
}

// checkDeadLetter checks a request that has a dead letter and no record: one without a
// readable id, or one whose id is another request's.
func (c *checker) checkDeadLetter(p Published, l DeadLetter) {
	c.report.Dead[l.Reason]++
	id, _, err := read(p)
	_, taken := c.byID[l.ID]
	switch {
	case l.Reason == call.IDConflict && (!taken || l.ID != id):
		c.addf(p.Name, "it is dead as %s, and no other request has its id", l.Reason)
	case l.Reason != call.IDConflict && (id != "" || err == nil):
		c.addf(p.Name, "it is dead as %s without a record", l.Reason)
	}
}

// cancelledUnseen reports whether the request was cancelled before a worker had
// recorded it: its record then has only the id.
func (c *checker) cancelledUnseen(p Published) bool {
	id, _, _ := read(p)
	r, ok := c.byID[id]
	return ok && isUnseen(r)
}

func isUnseen(r call.Record) bool { return r.State == call.StateCancelled && r.Origin.Sequence == 0 }

// isDuplicate reports whether a request of the same id and content has a record.
func (c *checker) isDuplicate(p Published) bool {
	id, digest, _ := read(p) // what is wrong with it is wrong with the first one, too
	first, ok := c.byID[id]
	return ok && id != "" && first.Digest == digest
}

// read returns the id that the publisher chose, empty if there is none, and the
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

func (c *checker) wantLetters(p Published, s call.State, letters []DeadLetter, want ...call.Reason) {
	if got := reasons(letters); !slices.Equal(got, want) {
		c.addf(p.Name, "it is %s, wants the dead letters %v, and has %v", s, want, got)
	}
}

// checkUnexpected reports records and dead letters of which nothing was published.
func (c *checker) checkUnexpected(in Input) {
	for _, r := range in.Records {
		if !c.published[r.Origin.Key()] && !isUnseen(r) {
			c.addf(string(r.ID), "it has a record, and was not published in this batch")
		}
	}
	for _, l := range in.DeadLetters {
		if !c.published[l.OriginKey] {
			c.addf(string(l.ID), "it has a dead letter (%s), and was not published in this batch", l.Reason)
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
