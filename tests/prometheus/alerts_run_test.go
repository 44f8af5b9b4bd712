package prometheus_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// fireTimeout bounds how long an alert may take to fire, and to end. The slowest
// waits for a directory of linked numbers to grow old.
const fireTimeout = 5 * time.Minute

// Every alert fires on what it is for, and ends with it: real workers, a real
// provider's answers and a real Prometheus, with a minute of the rules as a second.
// Rules that are tried on written series alone may wait for series that no worker
// ever writes.
func TestEveryAlertFiresAndEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := startPrometheus(t, shortened(t), []string{s.address, s.silentAddress})
	faults := s.faults()
	everyAlertHasAFault(t, faults)

	limit := time.NewTimer(fireTimeout)
	defer limit.Stop()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for !over(faults) {
		select {
		case <-tick.C:
		case <-limit.C:
			for _, f := range faults {
				if !f.over {
					t.Errorf("%s: began %t, fired %t, was ended %t", f, f.began, f.fired, f.ended)
				}
			}
			return
		}
		firing := p.firing()
		for label := range firing {
			if strings.HasSuffix(label, " account=well") {
				t.Fatalf("%s fires, of an account with which nothing is wrong", label)
			}
		}
		for _, f := range faults {
			if f.step(firing[f.alert+" "+f.label]) {
				t.Logf("%s: %s after %s", f, f.stage(), time.Since(began).Round(time.Second))
			}
		}
		if faults[0].over {
			s.publish("well", 1, "")
		}
	}
	counted := p.query(`sum(ringonce_operator_actions_total{account="vague",action="resolve_rang"})`)
	if !slices.Equal(counted, []string{"2"}) {
		t.Errorf("of two calls that an operator resolved the metrics count %q", counted)
	}
}

// step brings a fault on its way, and reports whether it came further.
func (f *fault) step(fires bool) bool {
	before := f.stage()
	switch {
	case f.over:
		return false
	case !f.began && (f.after == nil || f.after.over):
		f.began = true
		f.begin()
	case !f.began:
	case !f.fired && fires:
		f.fired = true
	case f.fired && !f.ended:
		f.ended = true
		f.end()
	case f.ended && !fires:
		f.over = true
	}
	if f.began && !f.ended && f.goOn != nil {
		f.goOn()
	}
	return f.stage() != before
}

func (f *fault) stage() string {
	switch {
	case f.over:
		return "over"
	case f.ended:
		return "ended"
	case f.fired:
		return "firing"
	case f.began:
		return "begun"
	default:
		return "waiting"
	}
}

func over(faults []*fault) bool {
	return !slices.ContainsFunc(faults, func(f *fault) bool { return !f.over })
}

func everyAlertHasAFault(t *testing.T, faults []*fault) {
	t.Helper()
	tried := map[string]bool{}
	for _, f := range faults {
		tried[f.alert] = true
	}
	for _, a := range alerts(t) {
		if !tried[a.Alert] {
			t.Errorf("no fault is made for %s", a.Alert)
		}
		delete(tried, a.Alert)
	}
	for _, f := range slices.Sorted(maps.Keys(tried)) {
		t.Errorf("there is no alert %s", f)
	}
}

// firing returns the alerts that fire, by name and the label that tells which.
func (s server) firing() map[string]bool {
	s.t.Helper()
	firing := map[string]bool{}
	for _, a := range s.samples(`ALERTS{alertstate="firing"}`) {
		name, account, instance := a.Metric["alertname"], a.Metric["account"], a.Metric["instance"]
		if instance != "" {
			firing[name+" instance="+instance] = true
		} else {
			firing[name+" account="+account] = true
		}
	}
	return firing
}
