package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// Depth is the number of requests queued for an account. Every worker measures
// the same values.
type Depth struct {
	Waiting     uint64 // published, not delivered
	Due         uint64 // no longer parked, not delivered
	AckPending  uint64 // delivered and not acknowledged
	Parked      uint64 // waiting for a time
	DeadLetters uint64 // dead letters, unknown calls included
	Unknown     uint64 // calls held as unknown

	// Oldest is the age of the oldest request that is waiting, due or pending
	// acknowledgement; 0 if there is none.
	Oldest time.Duration
}

type queueVectors struct {
	waiting     *prometheus.GaugeVec
	due         *prometheus.GaugeVec
	ackPending  *prometheus.GaugeVec
	parked      *prometheus.GaugeVec
	deadLetters *prometheus.GaugeVec
	unknown     *prometheus.GaugeVec
	oldest      *prometheus.GaugeVec
	parkedTotal *prometheus.CounterVec
}

func newQueueVectors(vs *vectors) queueVectors {
	return queueVectors{
		waiting:     vs.gauge("ringonce_queue_waiting", "Requests of the account that are published and not delivered to a worker."),
		due:         vs.gauge("ringonce_queue_due", "Requests of the account whose parking time is over and that are not delivered to a worker."),
		ackPending:  vs.gauge("ringonce_queue_ack_pending", "Requests of the account that are delivered to a worker and not acknowledged."),
		parked:      vs.gauge("ringonce_queue_parked", "Requests of the account that wait for a time."),
		deadLetters: vs.gauge("ringonce_dead_letters", "Dead letters of the account, unknown calls included."),
		unknown:     vs.gauge("ringonce_unknown_calls", "Calls of the account held as unknown until they are resolved."),
		oldest:      vs.gauge("ringonce_queue_oldest_age_seconds", "Age of the oldest request that is waiting, due or pending acknowledgement; 0 if there is none."),
		parkedTotal: vs.counter("ringonce_parked_total", "Requests parked, by reason.", labelReason),
	}
}

type queueSeries struct {
	waiting     prometheus.Gauge
	due         prometheus.Gauge
	ackPending  prometheus.Gauge
	parked      prometheus.Gauge
	deadLetters prometheus.Gauge
	unknown     prometheus.Gauge
	oldest      prometheus.Gauge
	parkedTotal byEnum[call.Reason, prometheus.Counter]
}

func (v queueVectors) series(account string) queueSeries {
	return queueSeries{
		waiting:     v.waiting.WithLabelValues(account),
		due:         v.due.WithLabelValues(account),
		ackPending:  v.ackPending.WithLabelValues(account),
		parked:      v.parked.WithLabelValues(account),
		deadLetters: v.deadLetters.WithLabelValues(account),
		unknown:     v.unknown.WithLabelValues(account),
		oldest:      v.oldest.WithLabelValues(account),
		parkedTotal: countersBy(parkReasons(), v.parkedTotal, account),
	}
}

// Queue sets the number of requests queued for the account.
func (a *Account) Queue(d Depth) {
	a.waiting.Set(float64(d.Waiting))
	a.due.Set(float64(d.Due))
	a.ackPending.Set(float64(d.AckPending))
	a.parked.Set(float64(d.Parked))
	a.deadLetters.Set(float64(d.DeadLetters))
	a.unknown.Set(float64(d.Unknown))
	a.oldest.Set(max(d.Oldest, 0).Seconds())
}

// Parked counts a request that is parked: after a refused or suspended attempt,
// or before one for [call.NotYet], [call.Paused] or [call.LinkageUnknown].
func (a *Account) Parked(r call.Reason) { a.parkedTotal.get(r).Inc() }
