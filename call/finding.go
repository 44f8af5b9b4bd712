package call

import "time"

// FindingKind is what a worker found out about the provider.
type FindingKind string

// The kinds. Workers of two versions run side by side: one that is not known is
// passed over.
const (
	ProbeBegun   FindingKind = "probe_begun"   // one real call is finding out whether calls go through again
	ProbeRefused FindingKind = "probe_refused" // they do not
	ProbeUnclear FindingKind = "probe_unclear" // nobody knows whether it rang
	ProbeWell    FindingKind = "probe_well"    // they do
	Slowed       FindingKind = "throttled"     // the provider asked for a pause
)

// Finding is what one worker tells the others of an account. It is a hint: it
// may be lost, and nothing that must not happen depends on it.
type Finding struct {
	Kind FindingKind
	For  time.Duration // of a pause
	Why  Reason        // of a pause
}
