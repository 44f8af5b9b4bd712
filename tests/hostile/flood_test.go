//go:build !race

package hostile

// flooded is how many messages the flood has.
const flooded = 20000
