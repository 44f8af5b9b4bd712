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

// add appends v to vs and returns it.
func add[V vector](vs *vectors, v V) V {
	*vs = append(*vs, v)
	return v
}
