package sfvopi

// MaxResponseSize bounds what is read of the response to a call, in bytes.
const MaxResponseSize = 64 << 10

// Written is the evidence of how much of a request was written. The zero value
// assumes the worst.
type Written int

// How much was written.
const (
	// WrittenWhole: its last byte may have been written.
	WrittenWhole Written = iota
	// WrittenPartly: its last byte was certainly not written.
	WrittenPartly
	// WrittenNothing: the Write that was to carry it was never entered.
	WrittenNothing
)

// Failure is how an attempt failed other than by its response.
type Failure string

// The failures.
const (
	// NoFailure: a response was read to its end.
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
	// Timeout: no whole response within the request timeout, or before the caller
	// gave up.
	Timeout Failure = "not in time"
	// ConnectionLost: reset or closed before a response.
	ConnectionLost Failure = "connection cut"
	// NotHTTP: what was received is not HTTP.
	NotHTTP Failure = "not HTTP"
	// Truncated: the response began and did not end.
	Truncated Failure = "cut short"
	// TooLarge: the response is larger than MaxResponseSize.
	TooLarge Failure = "too large"
	// NotDecoded: the response has a content encoding that cannot be decoded.
	NotDecoded Failure = "not decoded"
)

// Response is the result of one POST, before it is classified.
type Response struct {
	Status        int    // 0 if there was none
	RetryAfter    string // the header, as it came
	Body          []byte // at most MaxResponseSize, decoded
	TrailingBytes bool   // more bytes followed the response
	Failure       Failure
	Written       Written
	Detail        string          // the error's text if it failed; not masked yet
	Secrets       func() []string // what no message may repeat; nil for nothing
}
