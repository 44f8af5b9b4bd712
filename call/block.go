package call

import "time"

// Suspension stops an account whose calls would all fail, until it is lifted.
type Suspension struct {
	Reason  Reason    `json:"reason"`
	Message string    `json:"message,omitzero"` // the provider's, masked
	Since   time.Time `json:"since"`
	// Until is when it lifts by itself. If zero, a probe, an operator or a new
	// key lifts it.
	Until time.Time `json:"until,omitzero"`
	// Times counts suspensions in a row, each of which lasts longer.
	Times  int    `json:"times"`
	Worker string `json:"worker"`
	// Lifted marks a suspension that has ended. It is kept for its count until a
	// call of the account is placed.
	Lifted bool `json:"lifted,omitzero"`
}

// InForce reports whether the suspension holds.
func (s Suspension) InForce() bool { return s.Reason != "" && !s.Lifted }

// Supersedes reports whether s replaces other: any suspension replaces one that is
// not in force, and one with an end replaces one that a probe lifts. Calls that
// are in flight together may cause several, in several workers.
func (s Suspension) Supersedes(other Suspension) bool {
	if !other.InForce() {
		return true
	}
	return !s.Lifted && !s.Until.IsZero() && other.Until.IsZero()
}

// Pause stops an account or a caller ID by an operator.
type Pause struct {
	By    string    `json:"by"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// PausedNumbers are the caller IDs that operators paused, in every account. The
// map is shared and must not be changed.
type PausedNumbers map[Phone]Pause

// Blocks is what keeps an account, or some of its caller IDs, from dialling.
type Blocks struct {
	Suspension Suspension
	Pause      *Pause
	Numbers    PausedNumbers
	// ResumeRevision identifies the latest resumption by an operator; 0 if there
	// was none recently. Each resumption ends an earlier throttle.
	ResumeRevision uint64
}

// Suspended reports whether a suspension is in force.
func (b Blocks) Suspended() bool { return b.Suspension.InForce() }
