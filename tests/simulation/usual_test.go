//go:build !race

package simulation

import "time"

const (
	usualSeeds  = 200
	usualOutage = 2 * time.Hour
)
