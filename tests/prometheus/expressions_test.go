package prometheus_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// expressions returns every query, by where it stands.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, q := range overview(t).queries("1m") {
		all["dashboard: "+q.RefID] = q.Expr
	}
	for _, r := range rules(t) {
		all["rule: "+r.Record+r.Alert] = r.Expr
	}
	data, err := os.ReadFile("../../deployments/kubernetes/keda/scaledobject.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var keda struct {
		Spec struct {
			Triggers []struct{ Metadata map[string]string }
		}
	}
	if err := yaml.Unmarshal(data, &keda); err != nil {
		t.Fatal(err)
	}
	for _, trigger := range keda.Spec.Triggers {
		if query := trigger.Metadata["query"]; query != "" {
			all["keda"] = query
		}
	}
	if all["keda"] == "" {
		t.Fatal("KEDA asks nothing")
	}
	return all
}

func TestQueriesNameOnlyWhatExists(t *testing.T) {
	c := newCatalogue(t)
	for where, expr := range expressions(t) {
		if err := c.check(parse(t, expr)); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

func TestCheckFindsProblems(t *testing.T) {
	c := newCatalogue(t)
	for _, wrong := range []string{
		`ringonce_attempts`,
		`ringonce_attempts_total{result="placed"}`,
		`ringonce_attempts_total{outcome="ok"}`,
		`ringonce_attempts_total{outcome=~"placed|ok"}`,
		`ringonce_attempts_total{outcome!="ok"}`,
		`sum by (state) (rate(ringonce_attempts_total[1m]))`,
		`ringonce_ready + on (account) ringonce_control_synced`,
		`{account="a"}`,
	} {
		if c.check(parse(t, wrong)) == nil {
			t.Errorf("%s was let through", wrong)
		}
	}
}

// check refuses a query that names a metric, a label or a value of a label that
// does not exist.
func (c catalogue) check(expr parser.Expr) error {
	var problems []error
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			problems = append(problems, c.checkSelector(n))
		case *parser.AggregateExpr:
			problems = append(problems, c.checkLabels(n.Expr, n.Grouping))
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				problems = append(problems, c.checkLabels(n, n.VectorMatching.MatchingLabels))
			}
		}
		return nil
	})
	return errors.Join(problems...)
}

func (c catalogue) checkSelector(s *parser.VectorSelector) error {
	known, ok := c[s.Name]
	if !ok {
		return fmt.Errorf("%q does not exist", s.Name)
	}
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		if !c.has(s.Name, m.Name) {
			return fmt.Errorf("%s has no label %s", s.Name, m.Name)
		}
		values := known[m.Name]
		for _, wanted := range strings.Split(m.Value, "|") {
			if values != nil && !slices.Contains(values, wanted) {
				return fmt.Errorf("%s: %s is never %q", s.Name, m.Name, wanted)
			}
		}
	}
	return nil
}

// checkLabels refuses labels that a selector below the expression lacks.
func (c catalogue) checkLabels(below parser.Node, wanted []string) error {
	var problems []error
	parser.Inspect(below, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			for _, l := range wanted {
				if !c.has(s.Name, l) {
					problems = append(problems, fmt.Errorf("%s has no label %s", s.Name, l))
				}
			}
		}
		return nil
	})
	return errors.Join(problems...)
}

// Legends name labels that the result still has.
func TestLegendsNameLabelsOfTheirQuery(t *testing.T) {
	for _, q := range overview(t).queries("1m") {
		for _, m := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(q.LegendFormat, -1) {
			left := []string{}
			parser.Inspect(parse(t, q.Expr), func(node parser.Node, path []parser.Node) error {
				if a, ok := node.(*parser.AggregateExpr); ok {
					left = append(left, a.Grouping...)
				}
				return nil
			})
			if len(left) == 0 {
				left = targetLabels()
			}
			if !slices.Contains(left, m[1]) {
				t.Errorf("%s: the legend names %s, the query leaves %q", q.RefID, m[1], left)
			}
		}
	}
}

func TestVariablesAskForWhatExists(t *testing.T) {
	c := newCatalogue(t)
	for _, v := range overview(t).Templating.List {
		if v.Type == "datasource" {
			continue
		}
		m := labelValues.FindStringSubmatch(v.Definition)
		if m == nil || c[m[1]] == nil || !c.has(m[1], m[2]) {
			t.Errorf("%s: %s asks for what does not exist", v.Name, v.Definition)
		}
	}
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

// names finds what looks like one of our series, recording rules included.
var names = regexp.MustCompile(`\b(?:[a-z_]+:)?ringonce_\w+(?::\w+)?`)

func TestPagesNameOnlyWhatExists(t *testing.T) {
	c := newCatalogue(t)
	base := map[string]bool{}
	for name := range c {
		base[name] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base[strings.TrimSuffix(name, suffix)] = true
		}
	}
	found := 0
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names.FindAllString(string(data), -1) {
			found++
			if !base[name] {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		}
	}
	if found == 0 {
		t.Fatal("no page names a metric: this test has gone blind")
	}
}

// pages returns the documentation.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir("../../docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
