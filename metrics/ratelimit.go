package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reservation is the result of a request for slots of the shared rate limit.
type Reservation string

// The results of a reservation.
const (
	ReservationGranted   Reservation = "granted"   // at least one slot
	ReservationExhausted Reservation = "exhausted" // other workers hold all near slots
	ReservationFailed    Reservation = "failed"    // no answer of the broker: nothing is dialled
)

func reservations() []Reservation {
	return []Reservation{ReservationGranted, ReservationExhausted, ReservationFailed}
}

// rateLimitVectors measure the calls per second that all workers share.
type rateLimitVectors struct {
	reservations *prometheus.CounterVec
	slotsUnused  *prometheus.CounterVec
	slotWait     *prometheus.CounterVec
}

func newRateLimitVectors(vs *vectors) rateLimitVectors {
	return rateLimitVectors{
		reservations: vs.counter("ringonce_rate_limit_reservations_total", "Requests to the broker for slots of the shared calls per second, by result.", labelResult),
		slotsUnused:  vs.counter("ringonce_rate_limit_slots_unused_total", "Reserved rate-limit slots that expired unused."),
		slotWait:     vs.counter("ringonce_rate_limit_wait_seconds_total", "Time that unclaimed requests waited in this worker for their rate-limit slot."),
	}
}

type rateLimitSeries struct {
	reservations byEnum[Reservation, prometheus.Counter]
	slotsUnused  prometheus.Counter
	slotWait     prometheus.Counter
}

func (v rateLimitVectors) series(account string) rateLimitSeries {
	return rateLimitSeries{
		reservations: countersBy(reservations(), v.reservations, account),
		slotsUnused:  v.slotsUnused.WithLabelValues(account),
		slotWait:     v.slotWait.WithLabelValues(account),
	}
}

// Reserved counts the result of a reservation.
func (a *Account) Reserved(r Reservation) { a.reservations.get(r).Inc() }

// SlotsUnused counts reserved slots that expired unused.
func (a *Account) SlotsUnused(n int) { a.slotsUnused.Add(float64(n)) }

// SlotWait adds the time that a request waited for its slot.
func (a *Account) SlotWait(d time.Duration) { a.slotWait.Add(d.Seconds()) }
