package app

import (
	"slices"
	"testing"

	"github.com/ringonce/ringonce/queue"
)

// TestWhatTookTheTimeComesLast in the next sweep, and nothing is left out.
func TestWhatTookTheTimeComesLast(t *testing.T) {
	a, b, c := queue.Place{Subject: "a"}, queue.Place{Subject: "b"}, queue.Place{Subject: "c"}
	for _, test := range []struct {
		last queue.Place
		want []queue.Place
	}{
		{queue.Place{}, []queue.Place{a, b, c}},
		{a, []queue.Place{b, c, a}},
		{c, []queue.Place{a, b, c}},
		{queue.Place{Subject: "gone"}, []queue.Place{a, b, c}},
	} {
		if got := after(test.last, []queue.Place{a, b, c}); !slices.Equal(got, test.want) {
			t.Errorf("after %v come %v, want %v", test.last, got, test.want)
		}
	}
}
