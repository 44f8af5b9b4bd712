package dispatcher

import (
	"errors"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
)

// task is a delivery that is handled: which call it is about, and what is
// assumed of the call's record until that is read.
type task struct {
	call.Delivery
	message Message
	permit  *lane.Permit
	request call.Request
	invalid *call.InvalidError // why the request can never be dialled, if so
	digest  call.Digest

	record  call.Record
	version call.Version
	nonce   string // of the claim that this delivery has made
	// loaded means that record and version were read, not assumed.
	loaded bool
	// recovered means that a recovery message has been carried out.
	recovered bool
	// noID means that the request has no readable id: it gets a dead letter and
	// no record.
	noID bool
}

// identify reads a delivery. It is pure and refuses nothing: decide ends what is
// invalid. Its cache of caller IDs changes no result.
func identify(d call.Delivery, s Settings) task {
	if d.Due != nil {
		return identifyDue(d, s)
	}
	t := task{Delivery: d}
	request, digest, err := call.DecodeRequestCached(d.Body, s.Numbers, s.CallerIDs)
	t.digest = digest
	if _, priorityErr := call.ParsePriority(string(d.Priority)); priorityErr != nil {
		t.Priority = call.Normal
		if err == nil {
			err = &call.InvalidError{
				Reason: call.Malformed, Field: "the subject", Rule: "does not end in a priority",
				Fix: "publish to calls.requests.<account>, or end it in .urgent, .normal or .bulk",
			}
		}
	}
	id, named := request.ID, request.ID != ""
	if err != nil && !named {
		id, named = call.ReadID(d.Body)
	}
	if !named && d.MessageID != "" {
		var idErr error
		if id, idErr = call.ParseID(d.MessageID); idErr == nil {
			named = true
		} else if err == nil {
			err = &call.InvalidError{Reason: call.Malformed, Field: "Nats-Msg-Id", Rule: "cannot be an id", Fix: idErr.Error()}
		}
	}
	if !named {
		id = call.GeneratedID(d.Origin)
		t.noID = err != nil
	}
	t.validate(request, err, s)
	t.record = call.NewRecord(d.Account, id, digest, d.Origin, t.Priority, d.Trace, d.Body)
	return t
}

// identifyDue reads a due call. A request that was accepted once stays accepted,
// also if request.numbers is stricter now.
func identifyDue(d call.Delivery, s Settings) task {
	t := task{
		Delivery: d, digest: d.Due.Record.Digest,
		record: d.Due.Record, version: d.Due.Version,
	}
	request, _, err := call.DecodeRequestCached(d.Due.Record.Request, call.PossibleNumbers, s.CallerIDs)
	t.validate(request, err, s)
	return t
}

// claimed reports whether this delivery has claimed its call.
func (t *task) claimed() bool { return t.nonce != "" }

// sameRequest reports whether the record belongs to this request, and not to
// another one with the same id.
func (t *task) sameRequest() bool {
	return t.record.Digest == t.digest && t.record.Origin.Same(t.Origin)
}

// isLatest reports whether the delivery carries the version that its record has.
// A copy that is behind may be all that is left of a schedule that was never
// written.
func (t *task) isLatest() bool {
	return t.Due != nil && t.Due.Version.Sequence == t.version.Sequence && t.Due.Version.Created.Equal(t.version.Created)
}

// body returns the request as it was published, byte for byte.
func (t *task) body() []byte {
	if t.Due != nil {
		return t.Due.Record.Request
	}
	return t.Body
}

func (t *task) validate(request call.Request, err error, s Settings) {
	t.request = request.WithDefaults(s.Defaults)
	if err == nil {
		err = t.request.CheckDialable()
	}
	if err == nil {
		return
	}
	invalid := &call.InvalidError{Reason: call.Malformed, Rule: "cannot be read"}
	_ = errors.As(err, &invalid) // a pointer into t would move t to the heap for every call
	t.invalid = invalid
}
