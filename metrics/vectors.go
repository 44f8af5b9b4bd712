package metrics

import "github.com/prometheus/client_golang/prometheus"

// All label names, except those of ringonce_build_info.
const (
	labelAccount  = "account"
	labelOutcome  = "outcome"
	labelReason   = "reason"
	labelState    = "state"
	labelPriority = "priority"
	labelResult   = "result"
	labelStep     = "step"
	labelKind     = "kind"
	labelAction   = "action"
	labelCause    = "cause"
)

// vector is a metric with the label account.
type vector interface {
	prometheus.Collector
	DeletePartialMatch(prometheus.Labels) int
}

// vectors are registered together, and remove the series of an account together.
type vectors []vector

func (vs vectors) register(reg prometheus.Registerer) {
	for _, v := range vs {
		reg.MustRegister(v)
	}
}

func (vs vectors) deleteAccount(account string) {
	for _, v := range vs {
		v.DeletePartialMatch(prometheus.Labels{labelAccount: account})
	}
}

// gauge adds a gauge with the label account.
func (vs *vectors) gauge(name, help string) *prometheus.GaugeVec {
	return add(vs, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{labelAccount}))
}

// counter adds a counter with the label account and more.
func (vs *vectors) counter(name, help string, more ...string) *prometheus.CounterVec {
	return add(vs, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{labelAccount}, more...)))
}

// add appends v to vs and returns it.
func add[V vector](vs *vectors, v V) V {
	*vs = append(*vs, v)
	return v
}
