// Package commands tests the command as operators use it: the built binary,
// with its output and exit codes, against a real broker, the simulated provider
// and real workers. The scripts are in testdata; what they may say besides the
// commands of testscript stands in script_test.go.
package commands
