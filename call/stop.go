package call

import "time"

// Suspension says that calls of an account fail for a cause of their own, so
// that none is dialled until it is lifted.
type Suspension struct {
	Reason  Reason    `json:"reason"`
	Message string    `json:"message,omitzero"` // what the provider said, masked
	Since   time.Time `json:"since"`
	// Until is when it lifts by itself. Zero waits for the probe, an operator
	// or a new key.
	Until time.Time `json:"until,omitzero"`
	// Times counts the suspensions in a row, so that each lasts longer.
	Times  int    `json:"times"`
	Worker string `json:"worker"`
	// Lifted keeps the count after a suspension has ended, until a call of the
	// account is placed.
	Lifted bool `json:"lifted,omitzero"`
}

// Supersedes reports whether it takes the place of the other: any of one that is
// not in force, and one that lasts for a time of one that a probe lifts. Calls
// that were in flight together come to several, in several workers.
func (s Suspension) Supersedes(other Suspension) bool {
	if other.Reason == "" || other.Lifted {
		return true
	}
	return !s.Lifted && !s.Until.IsZero() && other.Until.IsZero()
}

// Pause says that an operator wants nothing of an account dialled.
type Pause struct {
	By    string    `json:"by"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// PausedNumbers are the caller IDs from which operators want nothing dialled,
// whichever account they belong to. Whoever was given them changes nothing.
type PausedNumbers map[Phone]Pause

// Blocks is what keeps an account from dialling, all of it or from some numbers.
type Blocks struct {
	Suspension Suspension
	Pause      *Pause
	Numbers    PausedNumbers
	// ResumeRevision tells one resumption by an operator from the next; 0 if there was
	// none lately. Each ends what the provider asked the account to wait before.
	ResumeRevision uint64
}

// Suspended reports whether a suspension is in force at this time.
func (s Blocks) Suspended() bool {
	return s.Suspension.Reason != "" && !s.Suspension.Lifted
}
