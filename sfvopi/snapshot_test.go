package sfvopi

import (
	"testing"

	"github.com/ringonce/ringonce/call"
)

func TestSnapshotLinkage(t *testing.T) {
	const number = "918045678901"
	app := func(id, status string, numbers ...Number) appNumbers {
		return appNumbers{app: App{ID: id, Status: status}, numbers: numbers}
	}
	it := Number{Number: "+" + number, Status: StatusActive}
	nowhere := map[string]numberLink{}
	somewhere := map[string]numberLink{number: {kind: inActiveApp, appID: "gone"}}

	for name, c := range map[string]struct {
		free     []Number
		apps     []appNumbers
		previous map[string]numberLink
		appID    string
		odd      int
		want     call.Linkage
	}{
		"in an ACTIVE app":               {apps: []appNumbers{app("a", "ACTIVE", it)}, want: call.Linked},
		"in the app that is asked for":   {apps: []appNumbers{app("a", "ACTIVE", it)}, appID: "a", want: call.Linked},
		"in another app":                 {apps: []appNumbers{app("a", "ACTIVE", it), app("b", "ACTIVE")}, appID: "b", want: call.OtherApp},
		"in an INACTIVE app":             {apps: []appNumbers{app("a", "INACTIVE", it)}, want: call.AppInactive},
		"in an app of no known status":   {apps: []appNumbers{app("a", "SUSPENDED", it)}, want: call.LinkageNotKnown},
		"available":                      {free: []Number{it}, want: call.OwnedNotLinked},
		"available, whatever its status": {free: []Number{{it.Number, "FREE"}}, want: call.OwnedNotLinked},
		"nowhere, as before":             {previous: nowhere, want: call.NotOwned},
		"nowhere, beside an odd entry":   {previous: nowhere, odd: 1, want: call.LinkageNotKnown},
		"linked, beside an odd entry":    {apps: []appNumbers{app("a", "ACTIVE", it)}, odd: 1, want: call.Linked},
		"nowhere, for the first time":    {want: call.LinkageNotKnown},
		"vanished meanwhile":             {previous: somewhere, want: call.LinkageNotKnown},
		"its link is not ACTIVE":         {apps: []appNumbers{app("a", "ACTIVE", Number{it.Number, "INACTIVE"})}, previous: nowhere, want: call.NotOwned},
		"being linked meanwhile":         {free: []Number{it}, apps: []appNumbers{app("a", "ACTIVE", it)}, want: call.Linked},
		"moved between ACTIVE apps":      {apps: []appNumbers{app("a", "ACTIVE", it), app("b", "ACTIVE", it)}, want: call.Linked},
		"moved, and one is asked for":    {apps: []appNumbers{app("a", "ACTIVE", it), app("b", "ACTIVE", it)}, appID: "a", want: call.LinkageNotKnown},
		"moved to an INACTIVE app":       {apps: []appNumbers{app("a", "ACTIVE", it), app("b", "INACTIVE", it)}, want: call.LinkageNotKnown},
		"moved from an INACTIVE app":     {apps: []appNumbers{app("a", "INACTIVE", it), app("b", "ACTIVE", it)}, want: call.LinkageNotKnown},
		"in three apps":                  {apps: []appNumbers{app("a", "ACTIVE", it), app("b", "ACTIVE", it), app("c", "INACTIVE", it)}, want: call.LinkageNotKnown},
		"listed twice by its app":        {apps: []appNumbers{app("a", "ACTIVE", it, it)}, appID: "a", want: call.Linked},
		"written without a plus":         {apps: []appNumbers{app("a", "ACTIVE", Number{number, "ACTIVE"})}, want: call.Linked},
		"written with spaces":            {apps: []appNumbers{app("a", "ACTIVE", Number{"+91 80 4567-8901", "ACTIVE"})}, want: call.Linked},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSnapshot(fetchStart{previous: c.previous}, c.free, c.apps, c.odd)
			if got := s.linkage(number, c.appID); got != c.want {
				t.Errorf("verdict %s, want %s", got, c.want)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	s := newSnapshot(fetchStart{}, []Number{{Number: "+1"}, {Number: "+2"}}, []appNumbers{
		{app: App{ID: "a", Status: "ACTIVE"}, numbers: []Number{{Number: "+2"}, {Number: "+3"}, {Number: "+5"}}},
		{app: App{ID: "b", Status: "INACTIVE"}, numbers: []Number{{Number: "+4"}, {Number: "+5"}}},
	}, 3)
	if want := (Counts{Apps: 2, Linked: 2, Inactive: 1, Available: 1, Inconsistent: 1, Unreadable: 3}); s.counts != want {
		t.Errorf("counts %+v, want %+v", s.counts, want)
	}
}
