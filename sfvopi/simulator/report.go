package simulator

import (
	"cmp"
	"maps"
	"slices"
)

// Report is what the oracle knows, or the part that was asked for.
type Report struct {
	Summary Summary `json:"summary"`
	// Calls are ordered by organisation, callee and answer URL.
	Calls []Call `json:"calls"`
	// Unidentified are POSTs whose callee was not learnt: without a known key,
	// without a readable body, or a fault applied before it was read.
	Unidentified []Post `json:"unidentified,omitzero"`
}

// ReportFilter narrows a report's calls; its summary always covers everything.
type ReportFilter struct {
	Organisation string
	Callee       string
	AnswerURL    string
	// RungTwice asks only for identities that were rung more than once.
	RungTwice bool
}

// Oracle reports everything that happened since the start or the last Reset.
func (s *Simulator) Oracle() Report { return s.Report(ReportFilter{}) }

// Report reports the calls that the question selects.
func (s *Simulator) Report(q ReportFilter) Report { return s.oracle.report(q) }

// Rung counts how often a callee was rung, for any organisation and answer URL.
func (s *Simulator) Rung(callee string) int {
	total := 0
	for _, call := range s.Report(ReportFilter{Callee: callee}).Calls {
		total += call.Rung
	}
	return total
}

// Call is what is known about one identity; its counts are zero if it was never
// heard of.
func (s *Simulator) Call(id Identity) Call {
	s.oracle.mu.Lock()
	defer s.oracle.mu.Unlock()
	if found, ok := s.oracle.calls[id]; ok {
		return found.copy()
	}
	return Call{Identity: id}
}

// Open counts the calls of an organisation that are open at once.
func (s *Simulator) Open(organisation string) OpenCalls {
	s.oracle.mu.Lock()
	defer s.oracle.mu.Unlock()
	return s.oracle.openOf(organisation).count()
}

// Reset forgets all that the oracle recorded and all that rules counted. World,
// rules and latency stay, and so do calls that are under way: they finish, and
// what they still do is recorded. They also stay counted as open, and are the
// peak from which max_open grows anew.
func (s *Simulator) Reset() {
	s.oracle.reset()
	s.rules.resetCounts()
}

func (o *oracle) report(q ReportFilter) Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	report := Report{
		Summary: Summary{
			Identities: len(o.calls), Lookups: o.lookups, Results: maps.Clone(o.results),
			BusiestSecond: map[string]Second{}, Open: map[string]OpenCalls{},
		},
		Calls:        []Call{},
		Unidentified: slices.Clone(o.unidentified),
	}
	for organisation, p := range o.meters {
		report.Summary.BusiestSecond[organisation] = p.peak
	}
	for organisation, open := range o.open {
		report.Summary.Open[organisation] = open.count()
	}
	for _, posts := range o.results {
		report.Summary.Posts += posts
	}
	for _, call := range o.calls {
		report.Summary.Accepted += call.Accepted
		report.Summary.Rung += call.Rung
		if call.Rung > 1 {
			report.Summary.RungTwice++
		}
		if q.selects(call) {
			report.Calls = append(report.Calls, call.copy())
		}
	}
	slices.SortFunc(report.Calls, func(a, b Call) int {
		return cmp.Or(
			cmp.Compare(a.Organisation, b.Organisation),
			cmp.Compare(a.Callee, b.Callee),
			cmp.Compare(a.AnswerURL, b.AnswerURL),
		)
	})
	return report
}

func (q *ReportFilter) selects(call *Call) bool {
	return (q.Organisation == "" || q.Organisation == call.Organisation) &&
		(q.Callee == "" || q.Callee == call.Callee) &&
		(q.AnswerURL == "" || q.AnswerURL == call.AnswerURL) &&
		(!q.RungTwice || call.Rung > 1)
}

func (c *Call) copy() Call {
	copied := *c
	copied.Posts = slices.Clone(c.Posts)
	copied.Rings = slices.Clone(c.Rings)
	copied.Hooks = slices.Clone(c.Hooks)
	return copied
}
