package metrics_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/metrics"
)

func TestLinkageAgeGrowsUntilTheDirectoryIsFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		a := metrics.New(reg, build).Account("a")
		age := func() float64 { return scrape(t, reg)[`ringonce_linkage_age_seconds{account="a"}`] }
		timestamp := func() float64 {
			return scrape(t, reg)[`ringonce_linkage_fetched_timestamp_seconds{account="a"}`]
		}

		if !math.IsInf(age(), 1) || timestamp() != 0 {
			t.Errorf("without a directory: age %v, fetched %v; want +Inf, 0", age(), timestamp())
		}
		a.Directory(time.Now(), 3)
		<-time.After(90 * time.Second)
		if age() != 90 {
			t.Errorf("after 90 s its age is %v", age())
		}
		a.Directory(time.Now(), 3)
		if age() != 0 {
			t.Errorf("just fetched, its age is %v", age())
		}
		a.Directory(time.Now().Add(time.Minute), 3)
		if age() != 0 {
			t.Errorf("fetched by a clock that is ahead, its age is %v", age())
		}
		a.Directory(time.Time{}, 0)
		if !math.IsInf(age(), 1) || timestamp() != 0 {
			t.Errorf("when it was lost: age %v, fetched %v; want +Inf, 0", age(), timestamp())
		}
	})
}
