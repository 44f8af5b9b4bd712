package metrics_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// Scraped as protobuf, a histogram has both forms, before its first
// observation too.
func TestHistogramsAreNativeAndClassic(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	a := metrics.New(reg, build).Account("a")
	check := func(t *testing.T, observations uint64) {
		histograms := protobufHistograms(t, reg)
		for name, top := range map[string]float64{
			"ringonce_post_duration_seconds":            60,
			"ringonce_request_age_seconds":              24 * 3600,
			"ringonce_linkage_refresh_duration_seconds": 120,
		} {
			h, ok := histograms[name]
			if !ok {
				t.Errorf("%s is missing", name)
				continue
			}
			// Prometheus recognises an empty native histogram by its zero
			// threshold.
			if h.GetSchema() != 3 || h.GetZeroThreshold() <= 0 {
				t.Errorf("%s: schema %d with zero threshold %v is not a native histogram of factor 1.1", name, h.GetSchema(), h.GetZeroThreshold())
			}
			var native int64
			for _, delta := range h.GetPositiveDelta() {
				native += delta // the count of the last bucket, and there is one
			}
			if native != int64(observations) {
				t.Errorf("%s: the native bucket holds %d of %d", name, native, observations)
			}
			buckets := h.GetBucket()
			if last := buckets[len(buckets)-1]; last.GetUpperBound() != top || last.GetCumulativeCount() != observations {
				t.Errorf("%s: the last classic bucket is %v", name, last)
			}
			if !slices.IsSortedFunc(buckets, func(a, b *dto.Bucket) int { return int(a.GetUpperBound() - b.GetUpperBound()) }) {
				t.Errorf("%s: the classic buckets are not in order", name)
			}
		}
		delete(histograms, "ringonce_post_duration_seconds")
		delete(histograms, "ringonce_request_age_seconds")
		delete(histograms, "ringonce_linkage_refresh_duration_seconds")
		for name := range histograms {
			t.Errorf("%s is a histogram that this test does not check", name)
		}
	}

	t.Run("empty", func(t *testing.T) { check(t, 0) })
	for range 5 {
		a.Attempt(call.Outcome{Class: call.Placed, Reason: call.Accepted}, 50*time.Millisecond)
		a.Age(call.Urgent, 3*time.Second)
		a.DirectoryRefreshed(true, 2*time.Second)
	}
	t.Run("observed", func(t *testing.T) { check(t, 5) })
}

// A quantile is interpolated within its bucket: a bucket from 15 minutes to an
// hour would show 59 minutes although no request was older than 21.
func TestAgesNearTheAlertsFallIntoNarrowBuckets(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics.New(reg, build).Account("a").Age(call.Urgent, 21*time.Minute)
	var bounds []float64
	for _, b := range protobufHistograms(t, reg)["ringonce_request_age_seconds"].GetBucket() {
		bounds = append(bounds, b.GetUpperBound())
	}
	for i := 1; i < len(bounds); i++ {
		if low, high := bounds[i-1], bounds[i]; low >= 30 && high <= 3600 && high > 2*low {
			t.Errorf("an age of %v s may be shown as one of %v s", low, high)
		}
	}
	if !slices.Contains(bounds, 30) || !slices.Contains(bounds, 3600) {
		t.Errorf("the buckets end at %v", bounds)
	}
}

// protobufHistograms scrapes as Prometheus does when it collects native
// histograms, and returns one histogram of each name: that of urgent requests
// for their age.
func protobufHistograms(t *testing.T, reg prometheus.Gatherer) map[string]*dto.Histogram {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	request.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	response := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(response, request)

	format := expfmt.ResponseFormat(response.Header())
	if format.FormatType() != expfmt.TypeProtoDelim {
		t.Fatalf("the answer is %s", format)
	}
	found := map[string]*dto.Histogram{}
	for decoder := expfmt.NewDecoder(response.Body, format); ; {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		for _, m := range f.GetMetric() {
			urgent := true
			for _, l := range m.GetLabel() {
				urgent = urgent && (l.GetName() != "priority" || l.GetValue() == "urgent")
			}
			if urgent {
				found[f.GetName()] = m.GetHistogram()
			}
		}
	}
}
