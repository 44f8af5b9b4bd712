package metrics

import "github.com/prometheus/client_golang/prometheus"

// Label names. There are no others, but for those of ringonce_build_info.
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

// vector is a metric that has the account as a label.
type vector interface {
	prometheus.Collector
	DeletePartialMatch(prometheus.Labels) int
}

// vectors are registered together and forget an account together: a vector
// that is not among them is not exported either.
type vectors []vector

func (vs vectors) register(reg prometheus.Registerer) {
	for _, v := range vs {
		reg.MustRegister(v)
	}
}

func (vs vectors) forget(account string) {
	for _, v := range vs {
		v.DeletePartialMatch(prometheus.Labels{labelAccount: account})
	}
}

// add puts v among the vectors.
func add[V vector](vs *vectors, v V) V {
	*vs = append(*vs, v)
	return v
}
