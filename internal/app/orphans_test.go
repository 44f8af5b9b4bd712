package app

import (
	"slices"
	"testing"

	"github.com/ringonce/ringonce/queue/backlog"
)

// TestSubjectThatTookTheTimeComesLast in the next sweep, and none is left out.
func TestSubjectThatTookTheTimeComesLast(t *testing.T) {
	a, b, c := backlog.PendingSubject{Subject: "a"}, backlog.PendingSubject{Subject: "b"}, backlog.PendingSubject{Subject: "c"}
	for _, test := range []struct {
		last backlog.PendingSubject
		want []backlog.PendingSubject
	}{
		{backlog.PendingSubject{}, []backlog.PendingSubject{a, b, c}},
		{a, []backlog.PendingSubject{b, c, a}},
		{c, []backlog.PendingSubject{a, b, c}},
		{backlog.PendingSubject{Subject: "gone"}, []backlog.PendingSubject{a, b, c}},
	} {
		if got := rotate(test.last, []backlog.PendingSubject{a, b, c}); !slices.Equal(got, test.want) {
			t.Errorf("after %v come %v, want %v", test.last, got, test.want)
		}
	}
}
