package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Every histogram is exported in both forms: classic buckets in the text format,
// a native histogram in protobuf.
const (
	// Native buckets grow by at most this factor, which the library rounds down
	// to 2^(1/8): quantiles are less than 5 % off.
	nativeFactor = 1.1
	// At that growth this many buckets span 2^20: from a millisecond to 17
	// minutes. Wider values reset the histogram, at most once in nativeReset;
	// until then its buckets double in width.
	nativeBuckets = 160
	nativeReset   = time.Hour
)

// postBuckets, in seconds, run up to twice the provider client's default
// time-out of 30 s.
func postBuckets() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}
}

// ageBuckets, in seconds, run up to the maximum age of a request. They are dense
// from half a minute to an hour, where alerts and retries are: a quantile is
// interpolated within its bucket and must not show an age that no request had.
func ageBuckets() []float64 {
	return []float64{
		0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
		60, 120, 180, 300, 420, 600, 900, 1200, 1800, 3600,
		2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600, 24 * 3600,
	}
}

// refreshBuckets, in seconds: a refresh takes one request and another for
// every app.
func refreshBuckets() []float64 {
	return []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120}
}

// observe treats a negative duration, which the clocks of two machines can
// produce, as zero.
func observe(o prometheus.Observer, d time.Duration) {
	o.Observe(max(d, 0).Seconds())
}
