package rollback

import (
	"fmt"
	"strings"

	"github.com/ringonce/ringonce/queue"
)

// FaultError reports why CALL_RECORDS is not relied on. Nothing may be dialled
// until an operator declares the time from which its records are valid.
type FaultError struct {
	Fault        queue.Fault
	HighWater    queue.HighWater
	LastSequence uint64
	Drift        []queue.Drift // settings that are still wrong
}

func (e *FaultError) Error() string {
	s := fmt.Sprintf("%s %s; ", queue.StreamRecords, e.Fault.Detail)
	if len(e.Drift) > 0 {
		if now := queue.DescribeDrift(e.Drift); !strings.Contains(e.Fault.Detail, now) {
			s += "now " + now + "; " // the fault is the first that was found
		}
		s += queue.RepairRecords(e.Drift) + ", then "
	}
	return s + "declare from when on its records are valid: ringonce streams declare --valid-from TIME"
}
