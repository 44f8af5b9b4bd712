//go:build race

package adversarial

// flooded is how many messages the flood has: fewer, since the race detector
// makes each cost ten times as much.
const flooded = 2000
