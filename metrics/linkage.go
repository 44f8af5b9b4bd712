package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
)

type linkageVectors struct {
	numbers         *prometheus.GaugeVec
	lookups         *prometheus.CounterVec
	refreshes       *prometheus.CounterVec
	refreshDuration *prometheus.HistogramVec
}

func newLinkageVectors(vs *vectors) linkageVectors {
	return linkageVectors{
		numbers:   vs.gauge("ringonce_linkage_numbers", "Numbers in the linkage directory, linked or not."),
		lookups:   vs.counter("ringonce_linkage_lookups_total", "Caller IDs looked up in the linkage directory, by result.", labelResult),
		refreshes: vs.counter("ringonce_linkage_refreshes_total", "Refreshes of the linkage directory from the provider.", labelResult),
		refreshDuration: add(vs, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "ringonce_linkage_refresh_duration_seconds",
			Help:                            "Duration of a refresh of the linkage directory, failed ones included.",
			Buckets:                         refreshBuckets(),
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeBuckets,
			NativeHistogramMinResetDuration: nativeReset,
		}, []string{labelAccount})),
	}
}

type linkageSeries struct {
	numbers         prometheus.Gauge
	lookups         byEnum[call.Linkage, prometheus.Counter]
	refreshed       prometheus.Counter
	refreshFailed   prometheus.Counter
	refreshDuration prometheus.Observer
}

func (v linkageVectors) series(account string) linkageSeries {
	return linkageSeries{
		numbers:         v.numbers.WithLabelValues(account),
		lookups:         countersBy(linkages(), v.lookups, account),
		refreshed:       v.refreshes.WithLabelValues(account, resultOK),
		refreshFailed:   v.refreshes.WithLabelValues(account, resultFailed),
		refreshDuration: v.refreshDuration.WithLabelValues(account),
	}
}

// LinkageLookup counts the look-up of a caller ID, by result.
func (a *Account) LinkageLookup(l call.Linkage) { a.lookups.get(l).Inc() }

// DirectoryRefreshed counts a refresh of the linkage directory and its duration.
func (a *Account) DirectoryRefreshed(ok bool, took time.Duration) {
	if ok {
		a.refreshed.Inc()
	} else {
		a.refreshFailed.Inc()
	}
	observe(a.refreshDuration, took)
}

// Directory sets when the linkage directory in use was fetched (the zero time
// means never) and how many numbers it holds.
func (a *Account) Directory(fetched time.Time, numbers int) {
	a.fetched.Store(&fetched)
	a.numbers.Set(float64(numbers))
}
