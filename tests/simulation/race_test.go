//go:build race

package simulation

// The race detector makes a seed six times as dear: `make seeds` adds the others.
const defaultSeeds = 15
