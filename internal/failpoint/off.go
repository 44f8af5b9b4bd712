//go:build !failpoint

package failpoint

// Eval is where a worker can be made to die, in a build with the tag failpoint.
// In this one it is nothing.
func Eval(Point) {}
