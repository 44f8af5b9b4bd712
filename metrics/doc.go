// Package metrics is what ringonce exports to Prometheus.
//
// [New] registers every metric on a registerer; there is no global registry.
// Metrics of the whole process are set on [Metrics], those of one account on the
// [Account] that [Metrics.Account] returns. An Account holds all of its series
// resolved, so that counting a call takes no label look-up and no allocation.
//
// Label values come from closed lists: account names, and what package call and
// this package enumerate. No label holds a phone number or the id of a call.
// Every possible combination exists, at zero, as soon as its account is known:
// a rate misses no first event, and an alert never lacks data. A value outside
// its list is a bug in ringonce; it is counted as "other", so that sums stay
// correct and an alert can find it.
//
// docs/metrics.md explains each metric; a test compares it with what is
// registered here.
package metrics
