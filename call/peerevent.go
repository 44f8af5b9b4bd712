package call

import "time"

// PeerEventKind is what a worker learned about the provider.
type PeerEventKind string

// The kinds. Workers of two versions run side by side, so unknown kinds are
// ignored.
const (
	ProbeStarted   PeerEventKind = "probe_started"   // one real call tests whether calls succeed again
	ProbeRefused   PeerEventKind = "probe_refused"   // they do not
	ProbeAmbiguous PeerEventKind = "probe_ambiguous" // it may have rung
	ProbeSucceeded PeerEventKind = "probe_succeeded" // they do
	Throttled      PeerEventKind = "throttled"       // the provider asked for a pause
)

// PeerEvent is what one worker publishes to the others of an account. It is a
// hint that may be lost: the promise does not depend on it.
type PeerEvent struct {
	Kind   PeerEventKind
	Delay  time.Duration // of a pause
	Reason Reason        // of a pause
}
