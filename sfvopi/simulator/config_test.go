package simulator

import (
	"strings"
	"testing"
	"time"
)

const exampleConfig = `
organisations:
  - name: clinic
    id: 7
    api_keys: [clinic-key]
    cps: 10
    apps:
      - app_id: sfv_app_clinic
        name: Clinic
        answer_url: https://clinic.example/answer
        numbers: ["+912071532001"]
        inactive_numbers: ["+912071532002"]
    available_numbers: ["+912071532003"]
latency: {fixed: 50ms, jitter: 20ms}
timing: {ring_delay: 1s, answer_delay: 4s, duration: 20s}
seed: 42
rules:
  - name: outage
    fault: gateway_502_html
    after: 1m
    until: 2m
  - name: some
    fault: service_temporarily_unavailable
    rate: 0.1
    first: 2
    not_after: 2031-01-01T00:00:00Z
`

func TestParseConfig(t *testing.T) {
	config, err := ParseConfig([]byte(exampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	org := config.World.Organisations[0]
	if org.Name != "clinic" || org.ID != 7 || org.CPS != 10 || org.Apps[0].InactiveNumbers[0] != "+912071532002" {
		t.Errorf("organisation %+v", org)
	}
	if config.Latency.Fixed != 50*time.Millisecond || config.Timing.Duration != 20*time.Second || config.Seed != 42 {
		t.Errorf("config %+v", config)
	}
	if rules := config.Rules; len(rules) != 2 || rules[0].Until != 2*time.Minute || rules[1].Rate != 0.1 || rules[1].NotAfter.Year() != 2031 {
		t.Errorf("rules %+v", rules)
	}
}

func TestParseConfigWithoutOrganisationsServesTheDefaultWorld(t *testing.T) {
	config, err := ParseConfig([]byte("\ufeffseed: 1\n"))
	if err != nil || config.World.Organisations[0].Name != DefaultOrganisation {
		t.Errorf("%+v, %v", config.World, err)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"colour: red":                  "colour",
		"seed: 1\nseed: 2":             "already defined",
		"latency: {fixed: -1s}":        "latency",
		"timing: {duration: -1s}":      "timing",
		"rules: [{name: a, fault: x}]": "not in the catalogue",
		"rules: [{name: a, fault: conflict}, {name: a, fault: conflict}]":                                                   "used twice",
		"organisations: [{api_keys: [a]}]":                                                                                  "name is required",
		"organisations: [{name: a, api_keys: [k]}, {name: b, api_keys: [k]}]":                                               "used twice",
		"organisations: [{name: a}, {name: a}]":                                                                             "used twice",
		"organisations: [{name: a, cps: -1}]":                                                                               "cps",
		"organisations: [{name: a, available_numbers: ['123']}]":                                                            "E.164",
		"organisations: [{name: a, available_numbers: ['+912071532001'], apps: [{app_id: x, numbers: ['+912071532001']}]}]": "used twice",
		"organisations: [{name: a, apps: [{app_id: x, answer_url: nowhere}]}]":                                              "http",
		"organisations: [{name: a, apps: [{app_id: x, status: ON}]}]":                                                       "neither ACTIVE",
		"organisations: [{name: a, apps: [{name: x}]}]":                                                                     "app_id is required",
		strings.Repeat("#", MaxConfigBytes+1):                                                                               "at most",
	} {
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want …%s…", text, err, want)
		}
	}
	config, err := ParseConfig([]byte("rules: [{name: a}]\nlatency: {jitter: -1s}"))
	if err == nil || !strings.Contains(err.Error(), "needs a fault") || !strings.Contains(err.Error(), "latency") {
		t.Errorf("%+v: %v, want every mistake at once", config, err)
	}
}
