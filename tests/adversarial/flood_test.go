//go:build !race

package adversarial

// flooded is how many messages the flood has.
const flooded = 20000
