// Package failpoint names every step at which a worker can die, and lets a test
// make it die there.
//
// [Eval] is called at each of these steps: by wrappers of the dispatcher's ports,
// which package app puts on in a build with the tag `failpoint`, and by an adapter
// where a step lies between two of its operations on the wire. In a build without
// the tag Eval is empty and inlined, and nothing of it is in the binary. With the
// tag it looks at what the environment armed:
//
//	RINGONCE_FAILPOINT=claim.before              dies there (SIGKILL)
//	RINGONCE_FAILPOINT=claim.before:3            dies when it comes there a third time
//	RINGONCE_FAILPOINT=claim.before:1:stop       is stopped there (SIGSTOP), until SIGCONT
//	RINGONCE_FAILPOINT=a:1:stop,b:1:kill         is stopped at a, and dies at b
//
// A point that strikes says so on standard error first, in one line that begins
// with "failpoint:". Each strikes once.
//
// The list of points is closed ([All]). tests/crash goes through all of it, and
// fails for a point that no worker came to: a new step gets its point here and
// its case there.
package failpoint
