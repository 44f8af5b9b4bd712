package metrics_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ringonce/ringonce/metrics"
)

var build = metrics.Build{Version: "1.2.3", Revision: "abc", GoVersion: "go1"}

// samples are the values of a scrape by name and labels, as in
// `ringonce_in_flight{account="a"}`. A histogram is its count and its sum.
type samples map[string]float64

func gather(t testing.TB, reg prometheus.Gatherer) []*dto.MetricFamily {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatalf("gather: %v", err)
	}
	return families
}

func scrape(t testing.TB, reg prometheus.Gatherer) samples {
	t.Helper()
	all := samples{}
	for _, f := range gather(t, reg) {
		for _, m := range f.GetMetric() {
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				all[key(f.GetName(), m)] = m.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				all[key(f.GetName(), m)] = m.GetGauge().GetValue()
			case dto.MetricType_HISTOGRAM:
				all[key(f.GetName()+"_count", m)] = float64(m.GetHistogram().GetSampleCount())
				all[key(f.GetName()+"_sum", m)] = m.GetHistogram().GetSampleSum()
			default:
				t.Fatalf("%s is a %s: this test does not know how to read it", f.GetName(), f.GetType())
			}
		}
	}
	return all
}

func key(name string, m *dto.Metric) string {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if len(labels) == 0 {
		return name
	}
	return name + "{" + strings.Join(labels, ",") + "}"
}

// of returns the samples of one metric.
func (s samples) of(name string) samples {
	found := samples{}
	for k, v := range s {
		if k == name || strings.HasPrefix(k, name+"{") {
			found[k] = v
		}
	}
	return found
}

// since returns the samples that changed.
func (s samples) since(before samples) samples {
	changed := samples{}
	for k, v := range s {
		if was, ok := before[k]; !ok || was != v {
			changed[k] = v
		}
	}
	for k := range before {
		if _, ok := s[k]; !ok {
			changed[k] = math.NaN()
		}
	}
	return changed
}

// sameSamples compares exactly, and reports each difference.
func sameSamples(t *testing.T, got, want samples) {
	t.Helper()
	keys := slices.Collect(func(yield func(string) bool) {
		for k := range got {
			if !yield(k) {
				return
			}
		}
		for k := range want {
			if _, ok := got[k]; !ok && !yield(k) {
				return
			}
		}
	})
	slices.Sort(keys)
	for _, k := range keys {
		g, inGot := got[k]
		w, inWant := want[k]
		switch {
		case !inGot:
			t.Errorf("%s is missing, want %v", k, w)
		case !inWant:
			t.Errorf("%s %v is not expected", k, g)
		case g != w:
			t.Errorf("%s is %v, want %v", k, g, w)
		}
	}
}
