// Package pull brings an account's messages to the worker: urgent ones first, due
// calls before new requests, and never more than may be dialled now.
//
//	Consumers ── what the accounts of one connection share
//	    │        ├─ ackThrottle: pull no faster than the broker works off acknowledgements
//	    │        └─ CheckAckPermission
//	    ▼
//	Consumer ─── one account: wait for capacity → fetch → wait for a message
//	    ├─ fairShare: which priority next, and for how many
//	    └─ inbox: where everything that was pulled arrives
//	         └─ source: one JetStream consumer and its pull, six for each account
//
// JetStream has no way to take a pull back. A worker that merely stops listening
// loses the message that is on its way: it comes again after AckWait. So an inbox
// is never unsubscribed while its account is pulled from. It is open while calls
// may be dialled; what arrives while it is closed is handed back at once, and
// goes to a worker that may dial it.
package pull
