package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

type endingVectors struct {
	calls          *prometheus.CounterVec
	duplicates     *prometheus.CounterVec
	unassigned     *prometheus.CounterVec
	lateEvidence   *prometheus.CounterVec
	contradictions *prometheus.CounterVec
	operated       *prometheus.CounterVec
}

func newEndingVectors(vs *vectors) endingVectors {
	return endingVectors{
		calls: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_calls_total",
			Help: "Calls that ended or are held as unknown, by the state and reason in their record.",
		}, []string{labelAccount, labelState, labelReason})),
		duplicates: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_duplicates_total",
			Help: "Requests published again with the same id and content: acknowledged, not dialled.",
		}, []string{labelAccount})),
		unassigned: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_unassigned_numbers_total",
			Help: "Requests with a number in a range that is not known to be assigned.",
		}, []string{labelAccount})),
		lateEvidence: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_late_evidence_total",
			Help: "Unknown calls whose own worker learned the outcome later, by that outcome.",
		}, []string{labelAccount, labelOutcome})),
		contradictions: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_contradictions_total",
			Help: "Calls that proved to be placed although their record said otherwise and was not unknown.",
		}, []string{labelAccount})),
		operated: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_operator_actions_total",
			Help: "Calls that operators cancelled, discarded, replayed or resolved.",
		}, []string{labelAccount, labelAction})),
	}
}

type endingSeries struct {
	calls          closed[call.State, closed[call.Reason, prometheus.Counter]]
	duplicates     prometheus.Counter
	unassigned     prometheus.Counter
	lateEvidence   closed[call.Class, prometheus.Counter]
	contradictions prometheus.Counter
	operated       closed[call.OperatorAction, prometheus.Counter]
}

func (v endingVectors) series(account string) endingSeries {
	return endingSeries{
		calls: closedOver(endStates(), func(state string) closed[call.Reason, prometheus.Counter] {
			return closedOver(endReasons(call.State(state)), func(reason string) prometheus.Counter {
				return v.calls.WithLabelValues(account, state, reason)
			})
		}),
		duplicates: v.duplicates.WithLabelValues(account),
		unassigned: v.unassigned.WithLabelValues(account),
		lateEvidence: closedOver(call.Classes(), func(outcome string) prometheus.Counter {
			return v.lateEvidence.WithLabelValues(account, outcome)
		}),
		contradictions: v.contradictions.WithLabelValues(account),
		operated: closedOver(call.OperatorActions(), func(action string) prometheus.Counter {
			return v.operated.WithLabelValues(account, action)
		}),
	}
}

// Ended counts a call by the state, final or unknown, and the reason of its
// record. The record of a placed call has no reason and counts as
// [call.Accepted]. An unknown call is counted again when it is resolved.
func (a *Account) Ended(s call.State, r call.Reason) {
	if s == call.StatePlaced && r == "" {
		r = call.Accepted
	}
	a.calls.of(s).of(r).Inc()
}

// Duplicate counts a request that was published again with the same id and
// content.
func (a *Account) Duplicate() { a.duplicates.Inc() }

// Unassigned counts a request with a possible number in a range that is not
// known to be assigned.
func (a *Account) Unassigned() { a.unassigned.Inc() }

// LateEvidence counts an unknown call that its own worker resolved, by the
// outcome of the attempt.
func (a *Account) LateEvidence(c call.Class) { a.lateEvidence.of(c).Inc() }

// Contradiction counts evidence of a placed call whose record said otherwise and
// was not unknown.
func (a *Account) Contradiction() { a.contradictions.Inc() }

// Operated counts an operator's action on a call. One worker is notified of each.
func (a *Account) Operated(action call.OperatorAction) { a.operated.of(action).Inc() }
