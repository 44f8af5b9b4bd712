package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reservation is the result of a request for slots of the shared rate limit.
type Reservation string

// The results of a reservation.
const (
	ReservationTaken  Reservation = "granted"   // at least one slot
	ReservationEmpty  Reservation = "exhausted" // other workers hold all near slots
	ReservationFailed Reservation = "failed"    // no answer of the broker: nothing is dialled
)

func reservations() []Reservation {
	return []Reservation{ReservationTaken, ReservationEmpty, ReservationFailed}
}

// limitVectors measure the calls per second that all workers share.
type limitVectors struct {
	reservations *prometheus.CounterVec
	unused       *prometheus.CounterVec
	waited       *prometheus.CounterVec
}

func newLimitVectors(vs *vectors) limitVectors {
	return limitVectors{
		reservations: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_rate_limit_reservations_total",
			Help: "Requests to the broker for slots of the shared calls per second, by result.",
		}, []string{labelAccount, labelResult})),
		unused: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_rate_limit_slots_unused_total",
			Help: "Reserved rate-limit slots that expired unused.",
		}, []string{labelAccount})),
		waited: add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringonce_rate_limit_wait_seconds_total",
			Help: "Time that unclaimed requests waited in this worker for their rate-limit slot.",
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

// Reserved counts the result of a reservation.
func (a *Account) Reserved(r Reservation) { a.reservations.of(r).Inc() }

// MomentsUnused counts reserved slots that expired unused.
func (a *Account) MomentsUnused(n int) { a.unused.Add(float64(n)) }

// Waited adds the time that a request waited for its slot.
func (a *Account) Waited(d time.Duration) { a.waited.Add(d.Seconds()) }
