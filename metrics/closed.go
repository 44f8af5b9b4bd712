package metrics

// other is the label value under which values outside their list are counted.
const other = "other"

// closed holds one M for each value of a closed list, and one for all other
// values. It is read-only after it is made.
type closed[K ~string, M any] struct {
	listed   map[K]M
	unlisted M
}

// closedOver calls resolve with the label value of each entry.
func closedOver[K ~string, M any](list []K, resolve func(value string) M) closed[K, M] {
	c := closed[K, M]{listed: make(map[K]M, len(list)), unlisted: resolve(other)}
	for _, k := range list {
		c.listed[k] = resolve(string(k))
	}
	return c
}

func (c closed[K, M]) of(k K) M {
	if m, ok := c.listed[k]; ok {
		return m
	}
	return c.unlisted
}
