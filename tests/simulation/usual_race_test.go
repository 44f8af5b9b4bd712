//go:build race

package simulation

import "time"

// The race detector makes everything some ten times slower.
const (
	usualSeeds   = 25
	usualOutage  = time.Hour
	usualWaiting = 300
)
