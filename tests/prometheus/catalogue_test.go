package prometheus_test

import (
	"os"
	"slices"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/ringonce/ringonce/metrics"
)

// catalogue is everything that may be asked for: by the name of a series, its
// labels with their values; nil stands for values without bound.
type catalogue map[string]map[string][]string

// targetLabels are attached to every series by the scrape.
func targetLabels() []string { return []string{"job", "instance", "namespace"} }

// newCatalogue takes what a worker exports from the program itself, and what
// the recording rules make from the rules.
func newCatalogue(t *testing.T) catalogue {
	t.Helper()
	registry := client.NewPedanticRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics.New(registry, metrics.Build{Version: "v1", Revision: "r", GoVersion: "go"}).Account("a")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	c := catalogue{
		"up":     {},
		"ALERTS": {"alertname": nil, "alertstate": {"pending", "firing"}, "account": nil, "severity": nil},
	}
	for _, f := range families {
		c.add(f)
	}
	for _, r := range rules(t) {
		if r.Record != "" {
			c[r.Record] = labelsOf(t, r.Expr)
		}
	}
	return c
}

func (c catalogue) add(f *dto.MetricFamily) {
	labels := map[string][]string{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
		}
	}
	for _, unbounded := range []string{"account", "version", "revision", "goversion"} {
		if _, ok := labels[unbounded]; ok {
			labels[unbounded] = nil
		}
	}
	if f.GetType() != dto.MetricType_HISTOGRAM {
		c[f.GetName()] = labels
		return
	}
	c[f.GetName()+"_sum"], c[f.GetName()+"_count"] = labels, labels
	buckets := map[string][]string{"le": nil}
	for name, values := range labels {
		buckets[name] = values
	}
	c[f.GetName()+"_bucket"] = buckets
}

// labelsOf returns the labels by which an expression aggregates.
func labelsOf(t *testing.T, expr string) map[string][]string {
	t.Helper()
	labels := map[string][]string{}
	parser.Inspect(parse(t, expr), func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				labels[l] = nil
			}
		}
		if s, ok := node.(*parser.VectorSelector); ok && s.Name[0] == 'a' {
			labels["account"] = nil // what is made from a rule by account has one
		}
		return nil
	})
	return labels
}

func (c catalogue) has(metric, label string) bool {
	_, ok := c[metric][label]
	return ok || slices.Contains(targetLabels(), label)
}

// rule is one rule of deployments/prometheus.
type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, file := range []string{"recording", "alerts"} {
		data, err := os.ReadFile("../../deployments/prometheus/" + file + ".rules.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var groups struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal(data, &groups); err != nil {
			t.Fatal(err)
		}
		for _, g := range groups.Groups {
			all = append(all, g.Rules...)
		}
	}
	if len(all) == 0 {
		t.Fatal("there are no rules")
	}
	return all
}

func parse(t *testing.T, expr string) parser.Expr {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return parsed
}
