package call

// Delivery is one message that a worker received, before it decides about it.
type Delivery struct {
	Account   Account
	Priority  Priority
	Origin    Origin
	Delivered uint64 // how often the broker has delivered this message; a hint, never proof
	Trace     string // the W3C traceparent, if there is a valid one

	// Body and MessageID are what the publisher sent: the request, and the
	// Nats-Msg-Id header that replaces a missing id. They are set on a first
	// delivery.
	Body      []byte
	MessageID string

	// Due is set on a message that workers wrote: a parked call that is due.
	Due *Due
}

// ID returns the id that the call is recorded under: that of the request, else
// the Nats-Msg-Id, else one that is generated from the message.
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

// Due is what a parked call carries: its record, and the version that the stored
// record must still have.
type Due struct {
	Record  Record
	Version Version
}
