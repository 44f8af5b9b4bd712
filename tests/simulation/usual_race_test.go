//go:build race

package simulation

import "time"

// The race detector makes everything some ten times slower.
const (
	usualSeeds  = 25
	usualOutage = time.Hour
	// Where nothing answers three workers hold 198 of them as unknown, a tenth
	// expires, and 110 are placed before the limit is looked at.
	usualWaiting = 450
)
