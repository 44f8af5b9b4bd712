// Package failpoint names every step at which a worker can die, and lets a test
// make it die there.
//
// The program calls [Eval] at each of its steps:
//
//	failpoint.Here(failpoint.ClaimBefore)
//
// In a build as it is shipped Here is empty, is inlined, and leaves nothing in
// the binary. In one built with the tag `failpoint` it looks at what the
// environment armed:
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
