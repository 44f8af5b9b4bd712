package dispatcher

import (
	"context"

	"github.com/ringonce/ringonce/call"
)

// Stores are what the broker keeps of calls.
type Stores struct {
	Records     RecordStore
	Scheduler   Scheduler
	DeadLetters DeadLetters
}

// hasDeadLetter reports whether a call in this state has a dead letter, and no
// message.
func hasDeadLetter(r call.Record) bool {
	return r.State == call.StateUnknown || r.State == call.StateDead
}

// sameDeadLetter reports whether two records of a call have the same dead letter.
func sameDeadLetter(a, b call.Record) bool { return a.State == b.State && a.Reason == b.Reason }

// applyEffects writes what the state of a written record asks for. It may be
// repeated at any time.
func (s *Stores) applyEffects(ctx context.Context, e *ending, body []byte) error {
	r := e.record
	if hasDeadLetter(e.before) && r.State != e.before.State {
		if err := s.removeDeadLetter(ctx, e.before); err != nil {
			return err
		}
	}
	switch {
	case r.State == call.StateWaiting && r.Parked:
		return s.Scheduler.Schedule(ctx, r, e.version)
	case r.State == call.StateDead:
		return s.DeadLetters.Put(ctx, r, body)
	case r.State == call.StateUnknown:
		if err := s.DeadLetters.Put(ctx, r, body); err != nil {
			return err
		}
		return s.recheckDeadLetter(ctx, r)
	}
	return nil
}

// removeDeadLetter deletes the dead letter that a record had. If the call has
// come to the same end once more, that may have been the new one: it is written
// again.
func (s *Stores) removeDeadLetter(ctx context.Context, before call.Record) error {
	if err := s.DeadLetters.Delete(ctx, before.Account, before.Reason, before.ID); err != nil {
		return err
	}
	found, _, err := s.Records.Read(ctx, before.Account, before.ID)
	if err != nil || !sameDeadLetter(found, before) {
		return err
	}
	if err := s.DeadLetters.Put(ctx, found, nil); err != nil {
		return err
	}
	return s.recheckDeadLetter(ctx, found)
}

// recheckDeadLetter deletes the dead letter of an unknown call if evidence came
// while it was written: the worker that brought the evidence may have looked for
// the dead letter before it was there.
func (s *Stores) recheckDeadLetter(ctx context.Context, r call.Record) error {
	found, _, err := s.Records.Read(ctx, r.Account, r.ID)
	if err != nil || sameDeadLetter(found, r) {
		return err
	}
	return s.removeDeadLetter(ctx, r)
}
