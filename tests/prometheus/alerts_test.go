package prometheus_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	runbooks   = "../../docs/runbooks"
	runbookURL = "https://github.com/ringonce/ringonce/blob/main/docs/runbooks/"
)

func alerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(rules(t), func(r rule) bool { return r.Alert == "" })
}

func TestEveryAlertHasItsPage(t *testing.T) {
	var named []string
	for _, a := range alerts(t) {
		named = append(named, a.Alert+".md")
		if want := runbookURL + a.Alert + ".md"; a.Annotations["runbook_url"] != want {
			t.Errorf("%s leads to %s, want %s", a.Alert, a.Annotations["runbook_url"], want)
		}
		if s := a.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: the severity is %q", a.Alert, s)
		}
		if a.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", a.Alert)
		}
		page, err := os.ReadFile(filepath.Join(runbooks, a.Alert+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, part := range []string{"# " + a.Alert + "\n", "## What it means\n", "## What to do\n", "## When it is over\n"} {
			if !strings.Contains(string(page), part) {
				t.Errorf("%s.md lacks %q", a.Alert, part)
			}
		}
	}
	slices.Sort(named)
	entries, err := os.ReadDir(runbooks)
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		if e.Name() != "README.md" {
			there = append(there, e.Name())
		}
	}
	if !slices.Equal(there, named) {
		t.Errorf("the pages are\n%q\nand the alerts\n%q", there, named)
	}
}

// Every alert is shown to fire, and to stay silent when it should.
func TestEveryAlertIsTestedBothWays(t *testing.T) {
	files, err := filepath.Glob("rules/*.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var unit struct {
			Tests []struct {
				AlertRuleTest []struct {
					Alertname string `json:"alertname"`
					ExpAlerts []any  `json:"exp_alerts"`
				} `json:"alert_rule_test"`
			} `json:"tests"`
		}
		if err := yaml.Unmarshal(data, &unit); err != nil {
			t.Fatal(err)
		}
		for _, test := range unit.Tests {
			for _, a := range test.AlertRuleTest {
				fires[a.Alertname] = fires[a.Alertname] || len(a.ExpAlerts) > 0
				silent[a.Alertname] = silent[a.Alertname] || len(a.ExpAlerts) == 0
			}
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("%s is shown to fire: %t, to stay silent: %t", a.Alert, fires[a.Alert], silent[a.Alert])
		}
	}
}
