package dispatcher

import (
	"errors"

	"github.com/ringonce/ringonce/call"
)

// task is a delivery, read: which call it is about, and what is assumed of its
// record until the ledger says otherwise.
type task struct {
	call.Delivery
	request call.Request
	invalid *call.InvalidError // why the request can never be dialled, if so
	digest  call.Digest

	record  call.Record
	version call.Version
	// known tells that record and version were read from the ledger, not
	// assumed from the delivery.
	known bool
	// heeded tells that what a reminder reminds of is done.
	heeded bool
	// nameless tells that the request has no readable id: it is dead-lettered
	// without a record.
	nameless bool
}

// identify reads a delivery. It is pure and refuses nothing: what is wrong with
// a request is for decide to end it by. Its one
// memory, of caller IDs, changes no verdict.
func identify(d call.Delivery, rules Settings) task {
	if d.Due != nil {
		return identifyDue(d, rules)
	}
	t := task{Delivery: d}
	request, digest, err := call.DecodeRequestCached(d.Body, rules.Numbers, rules.CallerIDs)
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
		t.nameless = err != nil
	}
	t.check(request, err, rules)
	t.record = call.NewRecord(d.Account, id, digest, d.Origin, t.Priority, d.Trace, d.Body)
	return t
}

// identifyDue trusts what a worker checked before, but for the numbers, whose
// policy may be stricter now: a call that was accepted stays accepted.
func identifyDue(d call.Delivery, rules Settings) task {
	t := task{
		Delivery: d, digest: d.Due.Record.Digest,
		record: d.Due.Record, version: d.Due.Version,
	}
	request, _, err := call.DecodeRequestCached(d.Due.Record.Request, call.PossibleNumbers, rules.CallerIDs)
	t.check(request, err, rules)
	return t
}

// owns reports whether the record is of this very request, and not of another
// one with its id.
func (t task) owns() bool { return t.record.Digest == t.digest && t.record.Origin.Same(t.Origin) }

// body is the request as it came, byte for byte.
func (t task) body() []byte {
	if t.Due != nil {
		return t.Due.Record.Request
	}
	return t.Body
}

func (t *task) check(request call.Request, err error, rules Settings) {
	t.request = request.WithDefaults(rules.Defaults)
	if err == nil {
		err = t.request.CheckDialable()
	}
	if err == nil {
		return
	}
	if !errors.As(err, &t.invalid) {
		t.invalid = &call.InvalidError{Reason: call.Malformed, Rule: "cannot be read"}
	}
}
