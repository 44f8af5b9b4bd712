package app

import (
	"slices"
	"testing"

	"github.com/ringonce/ringonce/queue"
)

// TestSubjectThatTookTheTimeComesLast in the next sweep, and none is left out.
func TestSubjectThatTookTheTimeComesLast(t *testing.T) {
	a, b, c := queue.PendingSubject{Subject: "a"}, queue.PendingSubject{Subject: "b"}, queue.PendingSubject{Subject: "c"}
	for _, test := range []struct {
		last queue.PendingSubject
		want []queue.PendingSubject
	}{
		{queue.PendingSubject{}, []queue.PendingSubject{a, b, c}},
		{a, []queue.PendingSubject{b, c, a}},
		{c, []queue.PendingSubject{a, b, c}},
		{queue.PendingSubject{Subject: "gone"}, []queue.PendingSubject{a, b, c}},
	} {
		if got := rotate(test.last, []queue.PendingSubject{a, b, c}); !slices.Equal(got, test.want) {
			t.Errorf("after %v come %v, want %v", test.last, got, test.want)
		}
	}
}
