package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reservation is what asking for moments of a shared limit came to.
type Reservation string

// The results of a reservation.
const (
	ReservationTaken  Reservation = "taken"  // there were some
	ReservationEmpty  Reservation = "empty"  // other workers have all that are close
	ReservationFailed Reservation = "failed" // the broker did not say: nothing is dialled
)

func reservations() []Reservation {
	return []Reservation{ReservationTaken, ReservationEmpty, ReservationFailed}
}

// limitVectors are about the calls per second that all workers share.
type limitVectors struct {
	reservations *prometheus.CounterVec
	unused       *prometheus.CounterVec
	waited       *prometheus.CounterVec
}

func newLimitVectors(vs *vectors) limitVectors {
	return limitVectors{
		reservations: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_limit_reservations_total",
			Help: "Times this worker asked the broker for its part of the calls per second.",
		}, []string{labelAccount, labelResult})),
		unused: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_limit_unused_total",
			Help: "Calls that this worker might have placed within the limit, and reserved and did not.",
		}, []string{labelAccount})),
		waited: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_limit_wait_seconds_total",
			Help: "Time that requests waited in this worker, unclaimed, for their moment within the limit.",
		}, []string{labelAccount})),
	}
}

type limitSeries struct {
	reservations closed[Reservation, prometheus.Counter]
	unused       prometheus.Counter
	waited       prometheus.Counter
}

func (v limitVectors) series(account string) limitSeries {
	return limitSeries{
		reservations: closedOver(reservations(), func(result string) prometheus.Counter {
			return v.reservations.WithLabelValues(account, result)
		}),
		unused: v.unused.WithLabelValues(account),
		waited: v.waited.WithLabelValues(account),
	}
}

// Reserved counts what a reservation came to.
func (a *Account) Reserved(r Reservation) { a.reservations.of(r).Inc() }

// MomentsUnused counts reserved moments that passed unused.
func (a *Account) MomentsUnused(n int) { a.unused.Add(float64(n)) }

// Waited adds the time that a request waited for its moment.
func (a *Account) Waited(d time.Duration) { a.waited.Add(d.Seconds()) }
