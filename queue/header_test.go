package queue

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

func TestVersionHeader(t *testing.T) {
	v := call.Version{Created: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Sequence: 1 << 63}
	if got, ok := decodeVersion(encodeVersion(v)); !ok || got != v {
		t.Errorf("%+v became %+v, %t", v, got, ok)
	}
	for _, s := range []string{"", "1", "/", "1/", "/1", "a/1", "1/a", "1/-1", "1/1/1"} {
		if v, ok := decodeVersion(s); ok {
			t.Errorf("%q was read as %+v", s, v)
		}
	}
}

func TestTraceparent(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for s, want := range map[string]string{
		good: good, "": "", good[1:]: "", good + "0": "", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "",
		"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n": "",
	} {
		if got := traceparent(nats.Header{headerTrace: {s}}); got != want {
			t.Errorf("%q was read as %q", s, got)
		}
	}
}
