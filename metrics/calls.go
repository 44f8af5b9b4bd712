package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

type callVectors struct {
	calls             *prometheus.CounterVec
	duplicates        *prometheus.CounterVec
	unassignedNumbers *prometheus.CounterVec
	lateEvidence      *prometheus.CounterVec
	contradictions    *prometheus.CounterVec
	operatorActions   *prometheus.CounterVec
}

func newCallVectors(vs *vectors) callVectors {
	return callVectors{
		calls:             vs.counter("ringonce_calls_total", "Calls that ended or are held as unknown, by the state and reason in their record.", labelState, labelReason),
		duplicates:        vs.counter("ringonce_duplicates_total", "Requests published again with the same id and content: acknowledged, not dialled."),
		unassignedNumbers: vs.counter("ringonce_unassigned_numbers_total", "Requests with a number in a range that is not known to be assigned."),
		lateEvidence:      vs.counter("ringonce_late_evidence_total", "Unknown calls whose own worker learned the outcome later, by that outcome.", labelOutcome),
		contradictions:    vs.counter("ringonce_contradictions_total", "Calls that proved to be placed although their record said otherwise and was not unknown."),
		operatorActions:   vs.counter("ringonce_operator_actions_total", "Calls that operators cancelled, discarded, replayed or resolved.", labelAction),
	}
}

type callSeries struct {
	calls             byEnum[call.State, byEnum[call.Reason, prometheus.Counter]]
	duplicates        prometheus.Counter
	unassignedNumbers prometheus.Counter
	lateEvidence      byEnum[call.Class, prometheus.Counter]
	contradictions    prometheus.Counter
	operatorActions   byEnum[call.OperatorAction, prometheus.Counter]
}

func (v callVectors) series(account string) callSeries {
	return callSeries{
		calls: newByEnum(endStates(), func(state string) byEnum[call.Reason, prometheus.Counter] {
			return newByEnum(endReasons(call.State(state)), func(reason string) prometheus.Counter {
				return v.calls.WithLabelValues(account, state, reason)
			})
		}),
		duplicates:        v.duplicates.WithLabelValues(account),
		unassignedNumbers: v.unassignedNumbers.WithLabelValues(account),
		lateEvidence:      countersBy(call.Classes(), v.lateEvidence, account),
		contradictions:    v.contradictions.WithLabelValues(account),
		operatorActions:   countersBy(call.OperatorActions(), v.operatorActions, account),
	}
}

// Ended counts a call by the state, final or unknown, and the reason of its
// record. The record of a placed call has no reason and counts as
// [call.Accepted]. An unknown call is counted again when it is resolved.
func (a *Account) Ended(s call.State, r call.Reason) {
	if s == call.StatePlaced && r == "" {
		r = call.Accepted
	}
	a.calls.get(s).get(r).Inc()
}

// Duplicate counts a request that was published again with the same id and
// content.
func (a *Account) Duplicate() { a.duplicates.Inc() }

// UnassignedNumber counts a request with a possible number in a range that is not
// known to be assigned.
func (a *Account) UnassignedNumber() { a.unassignedNumbers.Inc() }

// LateEvidence counts an unknown call that its own worker resolved, by the
// outcome of the attempt.
func (a *Account) LateEvidence(c call.Class) { a.lateEvidence.get(c).Inc() }

// Contradiction counts evidence of a placed call whose record said otherwise and
// was not unknown.
func (a *Account) Contradiction() { a.contradictions.Inc() }

// OperatorAction counts an operator's action on a call. One worker is notified of each.
func (a *Account) OperatorAction(action call.OperatorAction) { a.operatorActions.get(action).Inc() }
