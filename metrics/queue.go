package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// Depth is how much of an account is queued, in requests. It is the account's,
// not the worker's: every worker that looks sees the same.
type Depth struct {
	Waiting     uint64 // published and not yet taken in hand
	Due         uint64 // back from where they were parked, and not yet taken in hand
	InHand      uint64 // taken in hand and not finished, or handed back and not taken again
	Parked      uint64 // waiting for a time
	DeadLetters uint64 // kept as dead letters, those held as unknown included
	Unknown     uint64 // held as unknown: nobody has said yet whether they rang

	// Oldest is how long ago the oldest request that is waiting, due or in hand
	// was published, 0 if there is none.
	Oldest time.Duration
}

type queueVectors struct {
	waiting     *prometheus.GaugeVec
	due         *prometheus.GaugeVec
	inHand      *prometheus.GaugeVec
	parked      *prometheus.GaugeVec
	deadLetters *prometheus.GaugeVec
	unknown     *prometheus.GaugeVec
	oldest      *prometheus.GaugeVec
	parkings    *prometheus.CounterVec
}

func newQueueVectors(vs *vectors) queueVectors {
	return queueVectors{
		waiting: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_queue_waiting",
			Help: "Requests of the account that are published and that no worker has in hand.",
		}, []string{labelAccount})),
		due: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_queue_due",
			Help: "Requests of the account that came back from where they were parked and that no worker has in hand.",
		}, []string{labelAccount})),
		inHand: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_queue_in_hand",
			Help: "Requests of the account that a worker was given and that are not finished.",
		}, []string{labelAccount})),
		parked: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_queue_parked",
			Help: "Requests of the account that wait for a time.",
		}, []string{labelAccount})),
		deadLetters: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_dead_letters",
			Help: "Dead letters of the account that are kept, those held as unknown included.",
		}, []string{labelAccount})),
		unknown: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_unknown_calls",
			Help: "Calls of the account that are held as unknown until they are resolved.",
		}, []string{labelAccount})),
		oldest: add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringonce_queue_oldest_age_seconds",
			Help: "Time since the oldest request that is waiting, due or in hand was published; 0 if there is none.",
		}, []string{labelAccount})),
		parkings: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_parked_total",
			Help: "Times a request was put to wait.",
		}, []string{labelAccount, labelReason})),
	}
}

type queueSeries struct {
	waiting     prometheus.Gauge
	due         prometheus.Gauge
	inHand      prometheus.Gauge
	parked      prometheus.Gauge
	deadLetters prometheus.Gauge
	unknown     prometheus.Gauge
	oldest      prometheus.Gauge
	parkings    closed[call.Reason, prometheus.Counter]
}

func (v queueVectors) series(account string) queueSeries {
	return queueSeries{
		waiting:     v.waiting.WithLabelValues(account),
		due:         v.due.WithLabelValues(account),
		inHand:      v.inHand.WithLabelValues(account),
		parked:      v.parked.WithLabelValues(account),
		deadLetters: v.deadLetters.WithLabelValues(account),
		unknown:     v.unknown.WithLabelValues(account),
		oldest:      v.oldest.WithLabelValues(account),
		parkings: closedOver(parkReasons(), func(reason string) prometheus.Counter {
			return v.parkings.WithLabelValues(account, reason)
		}),
	}
}

// Queue sets how much of the account is queued.
func (a *Account) Queue(d Depth) {
	a.waiting.Set(float64(d.Waiting))
	a.due.Set(float64(d.Due))
	a.inHand.Set(float64(d.InHand))
	a.parked.Set(float64(d.Parked))
	a.deadLetters.Set(float64(d.DeadLetters))
	a.unknown.Set(float64(d.Unknown))
	a.oldest.Set(max(d.Oldest, 0).Seconds())
}

// Parked counts that a request was put to wait, by what for: an attempt that
// was refused or met a suspended account, or [call.NotYet], [call.Paused] and
// [call.LinkageUnknown] before one.
func (a *Account) Parked(r call.Reason) { a.parkings.of(r).Inc() }
