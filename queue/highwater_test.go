package queue

import (
	"testing"
	"time"
)

// TestAWriteAcrossADeclaration is not certain, and proves nothing about the stream
// that was declared while it was under way.
func TestAWriteAcrossADeclaration(t *testing.T) {
	began := time.Now()
	for name, sequence := range map[string]uint64{"lower": 5, "higher": 1001} {
		t.Run(name, func(t *testing.T) {
			k := &tracker{mark: HighWater{Created: began, Sequence: 1000}}
			before := k.HighWater()
			declared := HighWater{Created: began.Add(time.Hour), DeclaredAt: began.Add(2 * time.Hour), Sequence: 4}
			k.AdoptHighWater(declared)
			if v, ok := k.advance(sequence, before); ok || k.HighWater() != declared {
				t.Errorf("version %v is certain: %t; remembered is %+v", v, ok, k.HighWater())
			}
		})
	}
}
