// Package sfvopi is the client of the provider: it places calls, classifies the
// responses, and knows which numbers are linked to which app.
//
// # One attempt
//
// [Client.Place] makes one POST over one connection and never repeats it. A repeat
// is safe only with evidence, so calls use our own connections (postConn): a
// connection belongs to one attempt at a time and is written to once, only before
// the deadline of the claim, and its Write shows whether the request was written not
// at all, partly, or to its last byte. Look-ups need no evidence and use net/http.
//
//	Place ──► pool.get ──► postConn.send ──► (TLS) ──► socket
//	  │           │              │
//	  │           │              past the deadline: nothing is written
//	  │           closed, or with unsolicited data: not used
//	  ▼
//	Response (status, body, evidence) ──► Classify ──► call.Outcome
//
// # Classification
//
// [Classify] is pure: the first rule that matches decides. Refused and suspended,
// the classes that are dialled again, are allow-lists; without a matching rule the
// call may have rung.
//
// # Linkage
//
// [Directory] holds, for one account, which numbers are linked to an ACTIVE app. It
// returns "not linked" only from a fetch that began after the request was published,
// and "not known" whenever it is not certain.
package sfvopi
