package sfvopi

// MaxResponseSize bounds what is read of the answer to a call, in bytes.
const MaxResponseSize = 64 << 10

// Written is the evidence of how much of a request left the program. The zero
// value assumes the worst.
type Written int

// The grades of evidence.
const (
	// WrittenWhole: its last byte may have been written.
	WrittenWhole Written = iota
	// WrittenPartly: its last byte was certainly not written.
	WrittenPartly
	// WrittenNothing: the Write that was to carry it was never entered.
	WrittenNothing
)

// Failure says how an attempt failed other than by an answer.
type Failure string

// The failures.
const (
	// NoFailure: an answer was read to its end.
	NoFailure Failure = ""
	// Interrupted: the caller gave up, or the deadline passed, before
	// anything was written.
	Interrupted Failure = "interrupted"
	// NotConnected: no connection, or an error of our own.
	NotConnected Failure = "not connected"
	// NotTrusted: the certificate did not verify.
	NotTrusted Failure = "not trusted"
	// OutOfResources: this machine has no file descriptor, port or memory left
	// for a connection.
	OutOfResources Failure = "out of resources"
	// Timeout: no whole answer within the request timeout, or before the
	// caller gave up.
	Timeout Failure = "not in time"
	// ConnectionLost: reset or closed before there was an answer.
	ConnectionLost Failure = "connection cut"
	// NotHTTP: what came was not an HTTP answer.
	NotHTTP Failure = "not HTTP"
	// Truncated: the answer began and did not end.
	Truncated Failure = "cut short"
	// TooLarge: the answer is larger than MaxAnswerSize.
	TooLarge Failure = "too large"
	// NotDecoded: the answer is in a coding that cannot be undone.
	NotDecoded Failure = "not decoded"
)

// Response is what one POST came to, before it is judged.
type Response struct {
	Status        int    // 0 if there was none
	RetryAfter    string // the header, as it came
	Body          []byte // at most MaxAnswerSize, decoded
	TrailingBytes bool   // more bytes came behind the answer
	Failure       Failure
	Written       Written
	Detail        string          // the error's text if it failed; not masked yet
	Secrets       func() []string // what must not be repeated of what was said; nil for nothing
}
