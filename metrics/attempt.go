package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

type attemptVectors struct {
	attempts     *prometheus.CounterVec
	postDuration *prometheus.HistogramVec
	requestAge   *prometheus.HistogramVec
	inFlight     *prometheus.GaugeVec
}

func newAttemptVectors(vs *vectors) attemptVectors {
	return attemptVectors{
		attempts: vs.counter("ringonce_attempts_total", "Attempts to place a call, by outcome.", labelOutcome, labelReason),
		postDuration: add(vs, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "ringonce_post_duration_seconds",
			Help:                            "Time from the start of a POST until its outcome was known.",
			Buckets:                         postBuckets(),
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeBuckets,
			NativeHistogramMinResetDuration: nativeReset,
		}, []string{labelAccount})),
		requestAge: add(vs, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "ringonce_request_age_seconds",
			Help:                            "Time from the publishing of a request until its POST began.",
			Buckets:                         ageBuckets(),
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeBuckets,
			NativeHistogramMinResetDuration: nativeReset,
		}, []string{labelAccount, labelPriority})),
		inFlight: vs.gauge("ringonce_in_flight", "POSTs in flight in this worker."),
	}
}

type attemptSeries struct {
	attempts     byEnum[call.Class, byEnum[call.Reason, prometheus.Counter]]
	postDuration prometheus.Observer
	requestAge   byEnum[call.Priority, prometheus.Observer]
	inFlight     prometheus.Gauge
}

func (v attemptVectors) series(account string) attemptSeries {
	return attemptSeries{
		attempts: newByEnum(call.Classes(), func(outcome string) byEnum[call.Reason, prometheus.Counter] {
			return newByEnum(call.AttemptReasons(call.Class(outcome)), func(reason string) prometheus.Counter {
				return v.attempts.WithLabelValues(account, outcome, reason)
			})
		}),
		postDuration: v.postDuration.WithLabelValues(account),
		requestAge: newByEnum(call.Priorities(), func(priority string) prometheus.Observer {
			return v.requestAge.WithLabelValues(account, priority)
		}),
		inFlight: v.inFlight.WithLabelValues(account),
	}
}

// Attempt counts the outcome of an attempt. took is the time from the start of
// its POST until the outcome was known; it is ignored for [call.WorkerLost],
// whose POST was another worker's.
func (a *Account) Attempt(o call.Outcome, took time.Duration) {
	a.attempts.get(o.Class).get(o.Reason).Inc()
	if o.Reason != call.WorkerLost {
		observe(a.postDuration, took)
	}
}

// Age records the age of a request when its POST begins: the time since it was
// published, requested waits included. A request that is dialled again is
// recorded again.
func (a *Account) Age(p call.Priority, d time.Duration) {
	observe(a.requestAge.get(p), d)
}

// InFlight changes the number of POSTs in flight: 1 before the claim, -1 when
// the outcome is known.
func (a *Account) InFlight(delta int) {
	a.inFlight.Add(float64(delta))
}
