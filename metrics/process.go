package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/ringonce/ringonce/call"
)

// Build tells which ringonce this is.
type Build struct {
	Version   string
	Revision  string
	GoVersion string
}

// process is what is counted once for the worker and has no account.
type process struct {
	natsConnected  prometheus.Gauge
	natsReconnects prometheus.Counter
	ready          prometheus.Gauge
	ackPermission  prometheus.Gauge
	pullWaited     prometheus.Counter
	controlSynced  prometheus.Gauge
	pausedNumbers  prometheus.Gauge
	reloads        *prometheus.CounterVec
	configInForce  prometheus.Gauge
	unserved       prometheus.Gauge
	unservedEnded  prometheus.Counter
	clockOffset    prometheus.Gauge
	clockError     prometheus.Gauge
	recordsFault   *prometheus.GaugeVec
}

func newProcess(reg prometheus.Registerer, b Build) process {
	f := promauto.With(reg)
	f.NewGauge(prometheus.GaugeOpts{
		Name: "ringonce_build_info",
		Help: "1, with the version of ringonce, its revision and the version of Go as labels.",
		ConstLabels: prometheus.Labels{
			"version": b.Version, "revision": b.Revision, "goversion": b.GoVersion,
		},
	}).Set(1)
	reloads := f.NewCounterVec(prometheus.CounterOpts{
		Name: "ringonce_config_reloads_total",
		Help: "Times the configuration was loaded again while the worker ran.",
	}, []string{labelResult})
	for _, result := range []string{resultOK, resultFailed} {
		reloads.WithLabelValues(result)
	}
	inForce := f.NewGauge(prometheus.GaugeOpts{
		Name: "ringonce_config_in_force",
		Help: "1 while the worker goes by all of the configuration as it was last loaded, 0 if that was refused or asks for a restart.",
	})
	inForce.Set(1)
	ackPermission := f.NewGauge(prometheus.GaugeOpts{
		Name: "ringonce_ack_permission",
		Help: "0 from when NATS refused an acknowledgement until a probe shows that it is permitted, else 1.",
	})
	ackPermission.Set(1) // a worker that could not probe yet was refused nothing
	recordsFault := f.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ringonce_records_fault",
		Help: "1 for the reason for which the call records cannot be relied on, so that nothing is dialled, else 0. All but refuse_writes end with: ringonce streams declare.",
	}, []string{labelCause})
	for _, cause := range call.RecordsFaults() {
		recordsFault.WithLabelValues(string(cause))
	}
	return process{
		recordsFault: recordsFault,
		reloads:      reloads, configInForce: inForce, ackPermission: ackPermission,
		natsConnected: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_nats_connected",
			Help: "1 while the worker is connected to NATS, else 0.",
		}),
		natsReconnects: f.NewCounter(prometheus.CounterOpts{
			Name: "ringonce_nats_reconnects_total",
			Help: "Times the worker connected to NATS again after it had lost the connection.",
		}),
		ready: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_ready",
			Help: "1 while the worker answers that it is ready, else 0.",
		}),
		pullWaited: f.NewCounter(prometheus.CounterOpts{
			Name: "ringonce_pull_wait_seconds_total",
			Help: "Time that accounts waited with pulling because NATS was behind with acknowledgements, all accounts together.",
		}),
		controlSynced: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_control_synced",
			Help: "1 while the worker knows every pause and suspension flag, else 0: it dials nothing then.",
		}),
		pausedNumbers: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_paused_numbers",
			Help: "Caller IDs that operators have paused.",
		}),
		unservedEnded: f.NewCounter(prometheus.CounterOpts{
			Name: "ringonce_unserved_ended_total",
			Help: "Requests that this worker ended because no worker serves their account.",
		}),
		unserved: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_unserved_requests",
			Help: "Requests waiting for accounts that no worker serves.",
		}),
		clockOffset: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_broker_clock_offset_seconds",
			Help: "How far the broker's clock is ahead of this machine's. Calls per second are paced by the broker's.",
		}),
		clockError: f.NewGauge(prometheus.GaugeOpts{
			Name: "ringonce_broker_clock_error_seconds",
			Help: "How far off the worker's reading of the broker's clock may be: half the quickest round trip.",
		}),
	}
}

// Connected sets whether the worker is connected to NATS.
func (m *Metrics) Connected(yes bool) { m.natsConnected.Set(oneIf(yes)) }

// Reconnected counts a connection to NATS that came back.
func (m *Metrics) Reconnected() { m.natsReconnects.Inc() }

// Ready sets whether the worker answers that it is ready.
func (m *Metrics) Ready(yes bool) { m.ready.Set(oneIf(yes)) }

// AckPermission sets whether NATS lets the worker acknowledge messages. Without
// the permission an acknowledgement is lost silently and every message comes
// back.
func (m *Metrics) AckPermission(yes bool) { m.ackPermission.Set(oneIf(yes)) }

// PullWaited counts how long an account waited with pulling because NATS was
// behind with acknowledgements.
func (m *Metrics) PullWaited(d time.Duration) { m.pullWaited.Add(d.Seconds()) }

// ControlSynced sets whether the worker knows every pause and suspension flag.
func (m *Metrics) ControlSynced(yes bool) { m.controlSynced.Set(oneIf(yes)) }

// Reloaded counts that the configuration was loaded again, and whether it could
// be used.
func (m *Metrics) Reloaded(ok bool) {
	if ok {
		m.reloads.WithLabelValues(resultOK).Inc()
	} else {
		m.reloads.WithLabelValues(resultFailed).Inc()
	}
}

// ConfigInForce sets whether the worker goes by all of the configuration as it
// was last loaded.
func (m *Metrics) ConfigInForce(yes bool) { m.configInForce.Set(oneIf(yes)) }

// PausedNumbers sets how many caller IDs are paused. The numbers are no label.
func (m *Metrics) PausedNumbers(n int) { m.pausedNumbers.Set(float64(n)) }

// Unserved sets how many requests wait for accounts that no worker serves.
// These have no account label: their names come from publishers, without bound.
func (m *Metrics) Unserved(requests uint64) { m.unserved.Set(float64(requests)) }

// BrokerClock sets how far the broker's clock is ahead, and how far off that may
// be.
func (m *Metrics) BrokerClock(ahead, within time.Duration) {
	m.clockOffset.Set(ahead.Seconds())
	m.clockError.Set(within.Seconds())
}

// RecordsFault sets why the call records cannot be relied on: for these causes, and
// no others.
func (m *Metrics) RecordsFault(causes ...call.RecordsFault) {
	for _, c := range call.RecordsFaults() {
		m.recordsFault.WithLabelValues(string(c)).Set(oneIf(slices.Contains(causes, c)))
	}
}

// UnservedEnded counts that a request of an account that nobody serves was ended.
func (m *Metrics) UnservedEnded() { m.unservedEnded.Inc() }

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
