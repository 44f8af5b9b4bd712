package metrics_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

func TestPrometheusLinterAcceptsNamesAndHelp(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics.New(reg, build).Account("main")
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestEveryMetricHasThePrefix(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics.New(reg, build).Account("main")
	for _, f := range gather(t, reg) {
		if !strings.HasPrefix(f.GetName(), "ringonce_") {
			t.Errorf("%s does not begin with ringonce_", f.GetName())
		}
	}
}

func TestProcessMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := metrics.New(reg, build)
	sameSamples(t, scrape(t, reg), samples{
		`ringonce_ack_permission`: 1,
		`ringonce_build_info{goversion="go1",revision="abc",version="1.2.3"}`: 1,
		`ringonce_control_synced`:                        0,
		`ringonce_records_fault{cause="canary_lost"}`:    0,
		`ringonce_records_fault{cause="claim_lost"}`:     0,
		`ringonce_records_fault{cause="recreated"}`:      0,
		`ringonce_records_fault{cause="refuse_writes"}`:  0,
		`ringonce_records_fault{cause="rolled_back"}`:    0,
		`ringonce_records_fault{cause="wrong_setting"}`:  0,
		`ringonce_nats_connected`:                        0,
		`ringonce_nats_reconnects_total`:                 0,
		`ringonce_paused_numbers`:                        0,
		`ringonce_ack_backpressure_seconds_total`:        0,
		`ringonce_ready`:                                 0,
		`ringonce_orphaned_ended_total`:                  0,
		`ringonce_orphaned_requests`:                     0,
		`ringonce_broker_clock_offset_seconds`:           0,
		`ringonce_broker_clock_error_seconds`:            0,
		`ringonce_config_in_force`:                       1,
		`ringonce_config_reloads_total{result="failed"}`: 0,
		`ringonce_config_reloads_total{result="ok"}`:     0,
	})

	for _, c := range []struct {
		name string
		do   func()
		want samples
	}{
		{"connected", func() { m.Connected(true) }, samples{`ringonce_nats_connected`: 1}},
		{"disconnected", func() { m.Connected(false) }, samples{`ringonce_nats_connected`: 0}},
		{"acknowledgement back-pressure", func() { m.AckBackpressure(1500 * time.Millisecond) }, samples{`ringonce_ack_backpressure_seconds_total`: 1.5}},
		{"reconnected", m.Reconnected, samples{`ringonce_nats_reconnects_total`: 1}},
		{"orphan ended", m.OrphanEnded, samples{`ringonce_orphaned_ended_total`: 1}},
		{"a configuration refused", func() { m.Reloaded(false); m.ConfigInForce(false) }, samples{`ringonce_config_in_force`: 0, `ringonce_config_reloads_total{result="failed"}`: 1}},
		{"a configuration loaded", func() { m.Reloaded(true); m.ConfigInForce(true) }, samples{`ringonce_config_in_force`: 1, `ringonce_config_reloads_total{result="ok"}`: 1}},
		{"numbers paused", func() { m.PausedNumbers(2) }, samples{`ringonce_paused_numbers`: 2}},
		{"ready", func() { m.Ready(true) }, samples{`ringonce_ready`: 1}},
		{"not ready", func() { m.Ready(false) }, samples{`ringonce_ready`: 0}},
		{"may not acknowledge", func() { m.AckPermission(false) }, samples{`ringonce_ack_permission`: 0}},
		{"may acknowledge", func() { m.AckPermission(true) }, samples{`ringonce_ack_permission`: 1}},
		{"control synced", func() { m.ControlSynced(true) }, samples{`ringonce_control_synced`: 1}},
		{"control lost", func() { m.ControlSynced(false) }, samples{`ringonce_control_synced`: 0}},
		{"the records forgot", func() { m.RecordsFault(call.RecordsCanaryLost) }, samples{`ringonce_records_fault{cause="canary_lost"}`: 1}},
		{"they hold again", func() { m.RecordsFault() }, samples{`ringonce_records_fault{cause="canary_lost"}`: 0}},
		{"orphaned", func() { m.Orphaned(7) }, samples{`ringonce_orphaned_requests`: 7}},
		{
			"the broker's clock", func() { m.BrokerClock(-2*time.Second, time.Millisecond) },
			samples{`ringonce_broker_clock_offset_seconds`: -2, `ringonce_broker_clock_error_seconds`: 0.001},
		},
	} {
		before := scrape(t, reg)
		c.do()
		t.Run(c.name, func(t *testing.T) { sameSamples(t, scrape(t, reg).since(before), c.want) })
	}
}

func TestAccountIsCreatedOnce(t *testing.T) {
	m := metrics.New(prometheus.NewPedanticRegistry(), build)
	a := m.Account("a")
	if m.Account("a") != a {
		t.Error("two handles for one account")
	}
	if m.Account("b") == a {
		t.Error("one handle for two accounts")
	}
}

func TestRemoveAccount(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := metrics.New(reg, build)
	m.Account("kept").Duplicate()
	before := scrape(t, reg)

	stale := m.Account("gone")
	stale.Duplicate()
	if len(scrape(t, reg).since(before)) == 0 {
		t.Fatal("the account to be forgotten has no series")
	}
	m.RemoveAccount("gone")
	sameSamples(t, scrape(t, reg), before)

	t.Run("a stale handle brings nothing back", func(t *testing.T) {
		useEverything(stale)
		sameSamples(t, scrape(t, reg), before)
	})
	t.Run("an account that returns begins at zero", func(t *testing.T) {
		m.Account("gone").Duplicate()
		if got := scrape(t, reg)[`ringonce_duplicates_total{account="gone"}`]; got != 1 {
			t.Errorf("counted %v, want 1", got)
		}
	})
	t.Run("an account that never was", func(*testing.T) { m.RemoveAccount("never") })
}

func TestConcurrentUse(t *testing.T) {
	const workers, rounds = 8, 100
	reg := prometheus.NewPedanticRegistry()
	m := metrics.New(reg, build)

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				useEverything(m.Account("shared"))
				useEverything(m.Account("fleeting"))
				m.RemoveAccount("fleeting")
			}
		})
	}
	m.Account("shared")
	for range rounds {
		oneLaneState(t, scrape(t, reg), "shared")
	}
	wg.Wait()

	m.RemoveAccount("fleeting")
	got := scrape(t, reg)
	for _, name := range []string{
		`ringonce_attempts_total{account="shared",outcome="placed",reason="accepted"}`,
		`ringonce_post_duration_seconds_count{account="shared"}`,
		`ringonce_request_age_seconds_count{account="shared",priority="urgent"}`,
		`ringonce_contradictions_total{account="shared"}`,
	} {
		if got[name] != workers*rounds {
			t.Errorf("%s is %v, want %d", name, got[name], workers*rounds)
		}
	}
	for k := range got {
		if strings.Contains(k, `account="fleeting"`) {
			t.Errorf("%s is still there", k)
		}
	}
}

// oneLaneState checks that a scrape caught the lane in exactly one state.
func oneLaneState(t *testing.T, s samples, account string) {
	t.Helper()
	var in []string
	for k, v := range s.of("ringonce_lane_state") {
		if v == 1 && strings.Contains(k, `account="`+account+`"`) {
			in = append(in, k)
		}
	}
	if len(in) != 1 {
		t.Errorf("the lane is in %d states at once: %v", len(in), in)
	}
}

// useEverything calls every method of an account once.
func useEverything(a *metrics.Account) {
	a.Attempt(call.Outcome{Class: call.Placed, Reason: call.Accepted}, 50*time.Millisecond)
	a.Age(call.Urgent, time.Second)
	a.InFlight(1)
	a.InFlight(-1)
	a.Ended(call.StatePlaced, call.Accepted)
	a.Duplicate()
	a.UnassignedNumber()
	a.LateEvidence(call.Placed)
	a.Contradiction()
	a.ClaimConflict()
	a.ClaimUncertain()
	a.ClaimWait()
	a.Nak()
	a.Panicked()
	a.SettleRetried(metrics.StepRecord)
	a.Limits(8, 2.5)
	for _, s := range call.LaneStates() {
		a.Lane(s)
	}
	a.Suspended(call.Unauthorized)
	a.Queue(metrics.Depth{Waiting: 1})
	a.Parked(call.NotYet)
	a.OperatorAction(call.ActionCancel)
	a.LinkageLookup(call.Linked)
	a.DirectoryRefreshed(true, time.Second)
	a.Directory(time.Now(), 3)
}
