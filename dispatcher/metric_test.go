package dispatcher

import (
	"strings"
	"testing"
)

// counted returns the sum of all series of a metric whose labels hold these
// values.
func (b *fixture) counted(t *testing.T, name string, values ...string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels strings.Builder
			for _, l := range m.GetLabel() {
				labels.WriteString("|" + l.GetValue() + "|")
			}
			has := true
			for _, v := range values {
				has = has && strings.Contains(labels.String(), "|"+v+"|")
			}
			if has {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
