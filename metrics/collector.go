package metrics

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// collector computes metrics at the moment of a scrape: the state of each lane, of
// which exactly one is 1 even if it changes meanwhile, and the age of each
// linkage directory.
type collector struct {
	accounts func() map[call.Account]*Account

	laneState  *prometheus.Desc
	fetched    *prometheus.Desc
	linkageAge *prometheus.Desc
}

func newCollector(accounts func() map[call.Account]*Account) *collector {
	return &collector{
		accounts: accounts,
		laneState: prometheus.NewDesc("ringonce_lane_state",
			"1 for the state of this worker's lane of the account, 0 for all others.",
			[]string{labelAccount, labelState}, nil),
		fetched: prometheus.NewDesc("ringonce_linkage_fetched_timestamp_seconds",
			"Unix time at which the linkage directory in use was fetched; 0 if there is none yet.",
			[]string{labelAccount}, nil),
		linkageAge: prometheus.NewDesc("ringonce_linkage_age_seconds",
			"Time since the linkage directory in use was fetched, by the worker's clock; +Inf if there is none yet.",
			[]string{labelAccount}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.laneState
	descs <- c.fetched
	descs <- c.linkageAge
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metric := prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
		metrics <- metric
	}
	for name, a := range c.accounts() {
		state := *a.lane.Load()
		for _, listed := range call.LaneStates() {
			gauge(c.laneState, boolValue(state == listed), string(name), string(listed))
		}
		gauge(c.laneState, boolValue(!slices.Contains(call.LaneStates(), state)), string(name), other)

		timestamp, age := directoryAge(*a.fetched.Load())
		gauge(c.fetched, timestamp, string(name))
		gauge(c.linkageAge, age, string(name))
	}
}

// directoryAge returns both in seconds. A directory that was never fetched is
// infinitely old, so that an alert on its age needs no second condition.
func directoryAge(fetched time.Time) (timestamp, age float64) {
	if fetched.IsZero() {
		return 0, math.Inf(1)
	}
	return float64(fetched.UnixMilli()) / 1000, max(time.Since(fetched), 0).Seconds()
}
