//go:build race

package simulation

// The race detector makes everything some ten times slower.
const usualSeeds = 25
