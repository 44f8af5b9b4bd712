//go:build !race

package simulation

import "time"

const (
	usualSeeds   = 200
	usualOutage  = 24 * time.Hour
	usualWaiting = 600
)
