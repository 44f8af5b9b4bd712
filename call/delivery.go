package call

// Delivery is one message that a worker was handed, before anything was decided
// about it.
type Delivery struct {
	Account   Account
	Priority  Priority
	Origin    Origin
	Delivered uint64 // how often the broker has delivered this message; a hint, never a ledger
	Trace     string // the W3C traceparent, if there is a valid one

	// Body and MessageID are what the publisher sent: the request, and the
	// Nats-Msg-Id header that stands in for an id. They are set on a first
	// delivery.
	Body      []byte
	MessageID string

	// Due is set on a message that workers wrote: a call coming back from
	// where it was parked.
	Due *Due
}

// ID returns the id that the call is recorded under: that of the request, else
// the Nats-Msg-Id, else one that is made of the message.
func (d Delivery) ID() ID {
	if d.Due != nil {
		return d.Due.Record.ID
	}
	if id, ok := ReadID(d.Body); ok {
		return id
	}
	if id, err := ParseID(d.MessageID); err == nil {
		return id
	}
	return GeneratedID(d.Origin)
}

// Due is what a parked call carries: its record, and the version it must still
// have for the record to be continued.
type Due struct {
	Record  Record
	Version Version
}
