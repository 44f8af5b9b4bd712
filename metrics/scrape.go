package metrics

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

// scraped collects what is worked out at the moment of a scrape: the state of
// each lane, so that exactly one is 1 however it changes meanwhile, and the
// age of each linkage directory, which grows by itself.
type scraped struct {
	accounts func() map[call.Account]*Account

	laneState  *prometheus.Desc
	fetched    *prometheus.Desc
	linkageAge *prometheus.Desc
}

func newScraped(accounts func() map[call.Account]*Account) *scraped {
	return &scraped{
		accounts: accounts,
		laneState: prometheus.NewDesc("ringonce_lane_state",
			"1 for the state that this worker's lane of the account is in, 0 for every other.",
			[]string{labelAccount, labelState}, nil),
		fetched: prometheus.NewDesc("ringonce_linkage_fetched_timestamp_seconds",
			"When the linkage directory in use was fetched, in seconds since 1970; 0 if there is none yet.",
			[]string{labelAccount}, nil),
		linkageAge: prometheus.NewDesc("ringonce_linkage_age_seconds",
			"Time since the linkage directory in use was fetched, by the worker's clock; +Inf if there is none yet.",
			[]string{labelAccount}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (s *scraped) Describe(descs chan<- *prometheus.Desc) {
	descs <- s.laneState
	descs <- s.fetched
	descs <- s.linkageAge
}

// Collect implements [prometheus.Collector].
func (s *scraped) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metric := prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
		metrics <- metric
	}
	for name, a := range s.accounts() {
		state := *a.lane.Load()
		for _, listed := range call.LaneStates() {
			gauge(s.laneState, oneIf(state == listed), string(name), string(listed))
		}
		gauge(s.laneState, oneIf(!slices.Contains(call.LaneStates(), state)), string(name), unlisted)

		timestamp, age := directoryAge(*a.fetched.Load())
		gauge(s.fetched, timestamp, string(name))
		gauge(s.linkageAge, age, string(name))
	}
}

// directoryAge gives both in seconds. A directory that was never fetched is
// infinitely old, so that an alert on its age needs no second condition.
func directoryAge(fetched time.Time) (timestamp, age float64) {
	if fetched.IsZero() {
		return 0, math.Inf(1)
	}
	return float64(fetched.UnixMilli()) / 1000, max(time.Since(fetched), 0).Seconds()
}
