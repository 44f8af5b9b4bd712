// Package metrics is what ringonce tells Prometheus.
//
// [New] registers everything on the registerer it is given; there is no global
// registry. What belongs to the whole process is set on [Metrics]; what
// belongs to one account is counted on the [Account] that [Metrics.Account]
// hands out. That handle holds every series of the account already resolved,
// so that counting on the way of a call takes no label look-up and no memory.
//
// Labels hold values of closed lists only: accounts, and what package call and
// this package enumerate. No phone number and no id of a call is ever a label.
// Every combination that can occur exists, at zero, from the moment its
// account is known, so that a rate over it misses no first event and an alert
// on it never lacks data. A value that is on no list is a mistake in ringonce:
// it is counted under the label value "unlisted", which exists from the start
// too, so that sums stay true and the mistake can be alerted on.
//
// docs/metrics.md explains each metric; a test compares it with what is
// registered here.
package metrics
