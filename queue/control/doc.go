// Package control stops accounts: the flags of CALL_CONTROL, by which operators
// pause accounts and caller IDs and workers suspend accounts, are durable and seen
// by every worker. The same bucket holds the workers' heartbeats. Peer events, by
// which the workers of an account coordinate their probes, are not stored.
//
//	suspended.<account>    a suspension, changed by compare-and-set
//	paused.<account>       a pause
//	paused-all             a pause of all accounts
//	paused-number.<hash>   a pause of a caller ID
//	resumed.<account>      ends a throttle by the provider
//	worker.<hash>          a heartbeat: accounts and lanes of one worker
//	highwater              see package rollback
package control
