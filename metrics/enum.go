package metrics

import "github.com/prometheus/client_golang/prometheus"

// other is the label value under which values outside their list are counted.
const other = "other"

// byEnum holds one M for each value of a closed list, and one for all other
// values. It is read-only after it is made.
type byEnum[K ~string, M any] struct {
	values map[K]M
	other  M
}

// newByEnum calls resolve with the label value of each entry.
func newByEnum[K ~string, M any](list []K, resolve func(value string) M) byEnum[K, M] {
	c := byEnum[K, M]{values: make(map[K]M, len(list)), other: resolve(other)}
	for _, k := range list {
		c.values[k] = resolve(string(k))
	}
	return c
}

// countersBy resolves the counters of an account whose last label is of the list.
func countersBy[K ~string](list []K, v *prometheus.CounterVec, account string) byEnum[K, prometheus.Counter] {
	return newByEnum(list, func(value string) prometheus.Counter { return v.WithLabelValues(account, value) })
}

func (c byEnum[K, M]) get(k K) M {
	if m, ok := c.values[k]; ok {
		return m
	}
	return c.other
}
