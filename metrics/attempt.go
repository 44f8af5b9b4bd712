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
		attempts: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_attempts_total",
			Help: "Attempts to place a call, by what they came to.",
		}, []string{labelAccount, labelOutcome, labelReason})),
		postDuration: add(vs, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "ringonce_post_duration_seconds",
			Help:                            "Time from the start of the POST that places a call until its outcome was known.",
			Buckets:                         postBuckets(),
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeBuckets,
			NativeHistogramMinResetDuration: nativeReset,
		}, []string{labelAccount})),
		requestAge: add(vs, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "ringonce_request_age_seconds",
			Help:                            "Time from the publishing of a request until a POST for it began.",
			Buckets:                         ageBuckets(),
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeBuckets,
			NativeHistogramMinResetDuration: nativeReset,
		}, []string{labelAccount, labelPriority})),
		inFlight: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_in_flight",
			Help: "POSTs that this worker has in flight.",
		}, []string{labelAccount})),
	}
}

type attemptSeries struct {
	attempts     closed[call.Class, closed[call.Reason, prometheus.Counter]]
	postDuration prometheus.Observer
	requestAge   closed[call.Priority, prometheus.Observer]
	inFlight     prometheus.Gauge
}

func (v attemptVectors) series(account string) attemptSeries {
	return attemptSeries{
		attempts: closedOver(call.Classes(), func(outcome string) closed[call.Reason, prometheus.Counter] {
			return closedOver(call.AttemptReasons(call.Class(outcome)), func(reason string) prometheus.Counter {
				return v.attempts.WithLabelValues(account, outcome, reason)
			})
		}),
		postDuration: v.postDuration.WithLabelValues(account),
		requestAge: closedOver(call.Priorities(), func(priority string) prometheus.Observer {
			return v.requestAge.WithLabelValues(account, priority)
		}),
		inFlight: v.inFlight.WithLabelValues(account),
	}
}

// Attempt counts what an attempt came to. took is the time from the start of
// its POST until that was known; it is ignored for [call.WorkerLost], where
// the POST was another worker's and nobody measured it.
func (a *Account) Attempt(o call.Outcome, took time.Duration) {
	a.attempts.of(o.Class).of(o.Reason).Inc()
	if o.Reason != call.WorkerLost {
		observe(a.postDuration, took)
	}
}

// Age records how old a request was when a POST for it began: d has passed
// since it was published, waiting that was asked for included. A request that
// is dialled again is recorded again.
func (a *Account) Age(p call.Priority, d time.Duration) {
	observe(a.requestAge.of(p), d)
}

// InFlight changes the number of POSTs in flight: 1 before one is
// claimed, -1 when its outcome is known.
func (a *Account) InFlight(delta int) {
	a.inFlight.Add(float64(delta))
}
