package simulation

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

const (
	neighbours      = 10
	isolationPeriod = 3 * time.Minute
	callInterval    = 2 * time.Second // of a quiet account
	floodFactor     = 100             // as many requests as a quiet account has
	slotsOfEach     = 8
	latency         = 50 * time.Millisecond
)

// TestAccountsAreIsolated compares how old the requests of quiet accounts
// are when they are dialled: among nine others like them, and among one that is
// flooded, and three whose provider answers 503, nothing, and 401.
func TestAccountsAreIsolated(t *testing.T) {
	var quiet, troubled time.Duration
	for _, trouble := range []bool{false, true} {
		runtime.GC()
		runtime.GC() // see simulate
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			if age := measureAges(t, dir, trouble); trouble {
				troubled = age
			} else {
				quiet = age
			}
		})
	}
	if troubled > quiet*12/10+time.Millisecond {
		t.Errorf("the p99 of the age of quiet accounts' requests is %s, and %s beside accounts in trouble", quiet, troubled)
	}
}

func neighbour(i int) string { return fmt.Sprintf("account-%d", i) }

// neighbourOrganisations is an organisation with one number for each account.
func neighbourOrganisations() (simulator.World, func(i int) (callerID string)) {
	callerID := func(i int) string { return fmt.Sprintf("+9120715310%02d", i) }
	var w simulator.World
	for i := range neighbours {
		w.Organisations = append(w.Organisations, simulator.Organisation{
			Name: neighbour(i), ID: int64(3000 + i), APIKeys: []string{"key-of-" + neighbour(i)},
			Apps: []simulator.App{{
				ID: fmt.Sprintf("sfv_app_neighbour%02d", i), Name: neighbour(i),
				AnswerURL: "https://publisher.example/answer", Numbers: []string{callerID(i)},
			}},
		})
	}
	return w, callerID
}

// measureAges returns the p99 of the age at which the requests of the last six
// accounts are dialled. The first four may be in trouble.
func measureAges(t *testing.T, dir string, trouble bool) time.Duration {
	t.Helper()
	organisations, callerID := neighbourOrganisations()
	env := bubble.New(t, dir, simulator.Config{World: organisations, NoMagic: true, Latency: simulator.Latency{Fixed: latency}},
		slog.New(slog.DiscardHandler), func(c *configs.Config) {
			clear(c.Accounts)
			for i := range neighbours {
				a := configs.DefaultAccount()
				a.APIKey, a.Concurrency = configs.NewSecret("key-of-"+neighbour(i)), slotsOfEach
				c.Accounts[neighbour(i)] = a
			}
		})
	defer env.Close()
	env.StartWorker("one")
	env.StartWorker("two")
	<-time.After(5 * time.Second)
	if trouble {
		for i, fault := range map[int]string{1: "gateway_503_html", 2: "hang_silent"} {
			if err := env.Simulator.PutRule(simulator.Rule{Name: fault, Fault: fault, Organisation: neighbour(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := env.Simulator.SetAPIKeys(neighbour(3), "another-key"); err != nil {
			t.Fatal(err)
		}
	}
	published := map[string]time.Time{} // by answer URL
	publish := func(i int) {
		url := fmt.Sprintf("https://publisher.example/%d", len(published))
		body := fmt.Sprintf(`{"from":%q,"to":"+9198%08d","answer_url":%q}`, callerID(i), len(published), url)
		published[url] = time.Now()
		if _, err := env.Publish("calls.requests."+neighbour(i), []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	for began := time.Now(); time.Since(began) < isolationPeriod; <-time.After(callInterval) {
		if trouble {
			for range floodFactor - 1 {
				publish(0)
			}
		}
		for i := range neighbours {
			publish(i)
		}
	}
	var ages []time.Duration
	dialled := map[string]int{}
	for _, c := range env.Simulator.Oracle().Calls {
		dialled[c.Organisation] += len(c.Posts)
		if len(c.Posts) > 0 && slices.Contains([]string{neighbour(4), neighbour(5), neighbour(6), neighbour(7), neighbour(8), neighbour(9)}, c.Organisation) {
			ages = append(ages, c.Posts[0].At.Sub(published[c.AnswerURL]))
		}
	}
	slices.Sort(ages)
	if want := int(isolationPeriod/callInterval) * 6; len(ages) != want {
		t.Errorf("%d of %d requests of quiet accounts were dialled", len(ages), want)
	}
	p99 := ages[len(ages)*99/100]
	t.Logf("trouble: %t; p99 %s, oldest %s; POSTs of the first four: %d, %d, %d, %d", trouble, p99, ages[len(ages)-1],
		dialled[neighbour(0)], dialled[neighbour(1)], dialled[neighbour(2)], dialled[neighbour(3)])
	return p99
}
