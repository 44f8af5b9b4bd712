package metrics

import "github.com/prometheus/client_golang/prometheus"

type claimVectors struct {
	conflicts     *prometheus.CounterVec
	uncertain     *prometheus.CounterVec
	waits         *prometheus.CounterVec
	naks          *prometheus.CounterVec
	panics        *prometheus.CounterVec
	settleRetries *prometheus.CounterVec
}

func newClaimVectors(vs *vectors) claimVectors {
	return claimVectors{
		conflicts:     vs.counter("ringonce_claim_conflicts_total", "Claims that lost the compare-and-set; the record is read and evaluated again."),
		uncertain:     vs.counter("ringonce_claims_uncertain_total", "Claims that may or may not have been written: nothing was dialled for them."),
		waits:         vs.counter("ringonce_claim_waits_total", "Deliveries that waited for another worker's open claim on the call."),
		naks:          vs.counter("ringonce_naks_total", "Messages returned to the broker (nak)."),
		panics:        vs.counter("ringonce_panics_total", "Panics recovered while a request was handled."),
		settleRetries: vs.counter("ringonce_settle_retries_total", "Retries of a step of recording an outcome.", labelStep),
	}
}

type claimSeries struct {
	conflicts     prometheus.Counter
	uncertain     prometheus.Counter
	waits         prometheus.Counter
	naks          prometheus.Counter
	panics        prometheus.Counter
	settleRetries byEnum[string, prometheus.Counter]
}

func (v claimVectors) series(account string) claimSeries {
	return claimSeries{
		conflicts:     v.conflicts.WithLabelValues(account),
		uncertain:     v.uncertain.WithLabelValues(account),
		waits:         v.waits.WithLabelValues(account),
		naks:          v.naks.WithLabelValues(account),
		panics:        v.panics.WithLabelValues(account),
		settleRetries: countersBy(settleSteps(), v.settleRetries, account),
	}
}

// ClaimConflict counts a claim that lost the compare-and-set.
func (a *Account) ClaimConflict() { a.conflicts.Inc() }

// ClaimUncertain counts a claim that may or may not have been written.
func (a *Account) ClaimUncertain() { a.uncertain.Inc() }

// ClaimWait counts a delivery that waits for another worker's open claim.
func (a *Account) ClaimWait() { a.waits.Inc() }

// Nak counts a message returned to the broker.
func (a *Account) Nak() { a.naks.Inc() }

// Panicked counts a panic recovered while a request was handled.
func (a *Account) Panicked() { a.panics.Inc() }

// SettleRetried counts a retry of one step of recording an outcome:
// [StepRecord], [StepPark], [StepDeadLetter] or [StepAck].
func (a *Account) SettleRetried(step string) { a.settleRetries.get(step).Inc() }
