package metrics

// unlisted is the label value under which the values on no list are counted.
const unlisted = "unlisted"

// closed holds what belongs to each value of a closed list, and what stands in
// for a value that is not on it. It is only read once it is made.
type closed[K ~string, M any] struct {
	listed   map[K]M
	unlisted M
}

// closedOver makes everything at once, and calls resolve with the label value
// of each.
func closedOver[K ~string, M any](list []K, resolve func(value string) M) closed[K, M] {
	c := closed[K, M]{listed: make(map[K]M, len(list)), unlisted: resolve(unlisted)}
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
