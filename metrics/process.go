package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/ringonce/ringonce/call"
)

// Build identifies the version of ringonce.
type Build struct {
	Version   string
	Revision  string
	GoVersion string
}

// process holds the metrics of the worker that have no account.
type process struct {
	natsConnected   prometheus.Gauge
	natsReconnects  prometheus.Counter
	ready           prometheus.Gauge
	ackPermission   prometheus.Gauge
	ackBackpressure prometheus.Counter
	controlSynced   prometheus.Gauge
	pausedNumbers   prometheus.Gauge
	reloads         *prometheus.CounterVec
	configInForce   prometheus.Gauge
	orphaned        prometheus.Gauge
	orphanedEnded   prometheus.Counter
	clockOffset     prometheus.Gauge
	clockError      prometheus.Gauge
	recordsFault    *prometheus.GaugeVec
}

func newProcess(reg prometheus.Registerer, b Build) process {
	factory := promauto.With(reg)
	gauge := func(name, help string) prometheus.Gauge {
		return factory.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	factory.NewGauge(prometheus.GaugeOpts{
		Name: "ringonce_build_info",
		Help: "1, with the version of ringonce, its revision and the version of Go as labels.",
		ConstLabels: prometheus.Labels{
			"version": b.Version, "revision": b.Revision, "goversion": b.GoVersion,
		},
	}).Set(1)
	reloads := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "ringonce_config_reloads_total",
		Help: "Reloads of the configuration, by result.",
	}, []string{labelResult})
	for _, result := range []string{resultOK, resultFailed} {
		reloads.WithLabelValues(result)
	}
	inForce := gauge("ringonce_config_in_force", "1 while the worker uses all of the configuration as last loaded, 0 if that was invalid or needs a restart.")
	inForce.Set(1)
	ackPermission := gauge("ringonce_ack_permission", "0 from a refused acknowledgement until a probe succeeds, else 1.")
	ackPermission.Set(1) // nothing was refused yet
	recordsFault := factory.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ringonce_records_fault",
		Help: "1 for each cause for which the call records are not trusted, so that nothing is dialled, else 0. All but refuse_writes end with: ringonce streams declare.",
	}, []string{labelCause})
	for _, cause := range call.RecordsFaults() {
		recordsFault.WithLabelValues(string(cause))
	}
	return process{
		recordsFault: recordsFault,
		reloads:      reloads, configInForce: inForce, ackPermission: ackPermission,
		natsConnected:   gauge("ringonce_nats_connected", "1 while the worker is connected to NATS, else 0."),
		natsReconnects:  counter("ringonce_nats_reconnects_total", "Reconnections to NATS."),
		ready:           gauge("ringonce_ready", "1 while /readyz reports that the worker is ready, else 0."),
		ackBackpressure: counter("ringonce_ack_backpressure_seconds_total", "Time that accounts paused pulling because NATS confirms acknowledgements too slowly, all accounts together."),
		controlSynced:   gauge("ringonce_control_synced", "1 while the worker knows every pause and suspension flag, else 0: it then dials nothing."),
		pausedNumbers:   gauge("ringonce_paused_numbers", "Caller IDs that operators have paused."),
		orphanedEnded:   counter("ringonce_orphaned_ended_total", "Requests that this worker ended because no worker serves their account."),
		orphaned:        gauge("ringonce_orphaned_requests", "Requests waiting or due for accounts that no worker serves."),
		clockOffset:     gauge("ringonce_broker_clock_offset_seconds", "How far the broker's clock, which paces calls per second, is ahead of this machine's."),
		clockError:      gauge("ringonce_broker_clock_error_seconds", "Uncertainty of the broker's clock offset: half the shortest round trip."),
	}
}

// Connected sets whether the worker is connected to NATS.
func (m *Metrics) Connected(yes bool) { m.natsConnected.Set(boolValue(yes)) }

// Reconnected counts a reconnection to NATS.
func (m *Metrics) Reconnected() { m.natsReconnects.Inc() }

// Ready sets whether the worker reports that it is ready.
func (m *Metrics) Ready(yes bool) { m.ready.Set(boolValue(yes)) }

// AckPermission sets whether NATS lets the worker acknowledge messages. Without
// the permission NATS drops acknowledgements silently and redelivers every
// message.
func (m *Metrics) AckPermission(yes bool) { m.ackPermission.Set(boolValue(yes)) }

// AckBackpressure adds the time that an account paused pulling because NATS confirms
// acknowledgements too slowly.
func (m *Metrics) AckBackpressure(d time.Duration) { m.ackBackpressure.Add(d.Seconds()) }

// ControlSynced sets whether the worker knows every pause and suspension flag.
func (m *Metrics) ControlSynced(yes bool) { m.controlSynced.Set(boolValue(yes)) }

// Reloaded counts a reload of the configuration, and whether it was valid.
func (m *Metrics) Reloaded(ok bool) {
	result := resultFailed
	if ok {
		result = resultOK
	}
	m.reloads.WithLabelValues(result).Inc()
}

// ConfigInForce sets whether the worker uses all of the configuration as last
// loaded.
func (m *Metrics) ConfigInForce(yes bool) { m.configInForce.Set(boolValue(yes)) }

// PausedNumbers sets the number of paused caller IDs.
func (m *Metrics) PausedNumbers(n int) { m.pausedNumbers.Set(float64(n)) }

// Orphaned sets the number of requests for accounts that no worker serves. It
// has no account label: publishers choose these names, without bound.
func (m *Metrics) Orphaned(requests uint64) { m.orphaned.Set(float64(requests)) }

// BrokerClock sets how far the broker's clock is ahead, and the uncertainty of
// that.
func (m *Metrics) BrokerClock(ahead, within time.Duration) {
	m.clockOffset.Set(ahead.Seconds())
	m.clockError.Set(within.Seconds())
}

// RecordsFault sets the causes for which the call records are not trusted.
func (m *Metrics) RecordsFault(causes ...call.RecordsFault) {
	for _, c := range call.RecordsFaults() {
		m.recordsFault.WithLabelValues(string(c)).Set(boolValue(slices.Contains(causes, c)))
	}
}

// OrphanEnded counts the end of a request of an account that no worker serves.
func (m *Metrics) OrphanEnded() { m.orphanedEnded.Inc() }

func boolValue(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
