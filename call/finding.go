package call

import "time"

// PeerEventKind is what a worker found out about the provider.
type PeerEventKind string

// The kinds. Workers of two versions run side by side: one that is not known is
// passed over.
const (
	ProbeStarted   PeerEventKind = "probe_begun"   // one real call is finding out whether calls go through again
	ProbeRefused   PeerEventKind = "probe_refused" // they do not
	ProbeAmbiguous PeerEventKind = "probe_unclear" // nobody knows whether it rang
	ProbeSucceeded PeerEventKind = "probe_well"    // they do
	Throttled      PeerEventKind = "throttled"     // the provider asked for a pause
)

// PeerEvent is what one worker tells the others of an account. It is a hint: it
// may be lost, and nothing that must not happen depends on it.
type PeerEvent struct {
	Kind   PeerEventKind
	Delay  time.Duration // of a pause
	Reason Reason        // of a pause
}
