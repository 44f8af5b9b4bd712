// Package sfvopi speaks to the provider: it places calls, says what each
// answer means, and knows which numbers are linked to which app.
//
// # One attempt
//
// [Client.Place] makes one POST with one socket attempt and never repeats it.
// What makes a repeat safe is evidence, so calls go over connections of our own
// (line): a line belongs to one attempt at a time, is written to once, only
// before the deadline of that attempt's claim, and the Write itself tells
// whether the request was written not at all, partly, or to its last byte. Where
// nothing has to be proved (look-ups), net/http does it all.
//
//	Place ──► lines.take ──► line.send ──► (TLS) ──► socket
//	  │           │              │
//	  │           │              past the deadline: nothing is written
//	  │           closed, or spoken on unasked: not used
//	  ▼
//	Answer (status, body, evidence) ──► Classify ──► call.Outcome
//
// # What an answer means
//
// [Classify] is pure: it goes through the rules, and the first that matches
// decides. Refused and suspended, the classes that are dialled again, are
// allow-lists; what no rule knows may have rung.
//
// # Linkage
//
// [Directory] keeps, for one account, which numbers are linked to an ACTIVE
// app. It says "not linked" only from what it began to fetch after the request
// was published, and "not known" whenever it is in doubt.
package sfvopi
