package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// ProbeKind is how a worker tests whether the provider accepts calls.
type ProbeKind string

// The kinds of probes.
const (
	ProbeLookup ProbeKind = "lookup" // a look-up, which rings no phone
	ProbeCall   ProbeKind = "call"   // one real call
)

func probeKinds() []ProbeKind { return []ProbeKind{ProbeLookup, ProbeCall} }

type laneVectors struct {
	concurrencyLimit *prometheus.GaugeVec
	rateLimit        *prometheus.GaugeVec
	suspensions      *prometheus.CounterVec
	probes           *prometheus.CounterVec
	consumersMissing *prometheus.GaugeVec
}

func newLaneVectors(vs *vectors) laneVectors {
	return laneVectors{
		concurrencyLimit: vs.gauge("ringonce_concurrency_limit", "POSTs that this worker may have in flight."),
		rateLimit:        vs.gauge("ringonce_calls_per_second_limit", "Calls per second that all workers together may place; 0 if unlimited."),
		suspensions:      vs.counter("ringonce_suspensions_total", "Times this worker suspended the account.", labelReason),
		probes:           vs.counter("ringonce_probes_total", "Probes whether the provider accepts calls again.", labelKind, labelResult),
		consumersMissing: vs.gauge("ringonce_consumers_missing", "JetStream consumers of the account that this worker cannot pull from."),
	}
}

type laneSeries struct {
	concurrencyLimit prometheus.Gauge
	rateLimit        prometheus.Gauge
	suspensions      byEnum[call.Reason, prometheus.Counter]
	probesOK         byEnum[ProbeKind, prometheus.Counter]
	probesFailed     byEnum[ProbeKind, prometheus.Counter]
	consumersMissing prometheus.Gauge
}

func (v laneVectors) series(account string) laneSeries {
	return laneSeries{
		concurrencyLimit: v.concurrencyLimit.WithLabelValues(account),
		rateLimit:        v.rateLimit.WithLabelValues(account),
		suspensions:      countersBy(suspendReasons(), v.suspensions, account),
		probesOK: newByEnum(probeKinds(), func(probe string) prometheus.Counter {
			return v.probes.WithLabelValues(account, probe, resultOK)
		}),
		probesFailed: newByEnum(probeKinds(), func(probe string) prometheus.Counter {
			return v.probes.WithLabelValues(account, probe, resultFailed)
		}),
		consumersMissing: v.consumersMissing.WithLabelValues(account),
	}
}

// Limits sets the limits: POSTs in flight, and calls per second, where 0 means
// unlimited.
func (a *Account) Limits(concurrency int, callsPerSecond float64) {
	a.concurrencyLimit.Set(float64(concurrency))
	a.rateLimit.Set(callsPerSecond)
}

// Lane sets the state of the lane, which is [call.LaneStopped] before.
func (a *Account) Lane(s call.LaneState) { a.lane.Store(&s) }

// ConsumersMissing sets the number of JetStream consumers of the account that
// cannot be pulled from: they were deleted, or have no leader.
func (a *Account) ConsumersMissing(n int) { a.consumersMissing.Set(float64(n)) }

// Suspended counts a suspension of the account. After several unknown outcomes
// the reason is that of the last one.
func (a *Account) Suspended(r call.Reason) { a.suspensions.get(r).Inc() }

// Probed counts a probe and its result.
func (a *Account) Probed(k ProbeKind, ok bool) {
	if ok {
		a.probesOK.get(k).Inc()
	} else {
		a.probesFailed.get(k).Inc()
	}
}
