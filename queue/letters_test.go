package queue_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func TestALetterIsReadAsItWasWritten(t *testing.T) {
	o := newOffice(t)
	r, err := o.claimed("u1", time.Hour).MarkUnknown("nonce-u1", call.Outcome{
		Class: call.Unknown, Reason: call.TimedOut, Status: 504, Message: "no answer",
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	o.bury(r)
	l := o.letters("u1")[0]
	if l.Account != acct || l.ID != "u1" || l.Reason != call.OutcomeUnknown || l.Message != "no answer" || l.Status != 504 ||
		!l.MayHaveRung || l.Attempts != 1 || l.Trace != r.Trace || l.SubjectToken != "u1" || l.Size != len(l.Body) {
		t.Errorf("letter %+v", l)
	}
	if !bytes.Equal(l.Body, r.Request) || !l.Ended.Equal(r.Changed) || !l.Origin.Same(r.Origin) {
		t.Errorf("body %s, ended %s, origin %+v", l.Body, l.Ended, l.Origin)
	}
	if len(l.History) != 1 || l.History[0].Nonce != "nonce-u1" || l.History[0].Reason != call.TimedOut {
		t.Errorf("history %+v", l.History)
	}
	byNumber, err := o.graveyard.Get(t.Context(), l.Sequence)
	if err != nil || byNumber.ID != "u1" {
		t.Errorf("by its number: %+v, %v", byNumber, err)
	}
	if _, err := o.graveyard.Get(t.Context(), l.Sequence+1); !errors.Is(err, queue.ErrDeadLetterNotFound) {
		t.Errorf("a letter that does not exist: %v", err)
	}
}

func TestListLetters(t *testing.T) {
	o := newOffice(t)
	const many = 600 // more than one batch
	for i := range many {
		r, err := fresh(fmt.Sprintf("e%03d", i)).MarkDead(call.Expired, "", time.Now().Add(-time.Duration(many-i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		o.bury(r)
	}
	o.unknown("u1", time.Hour)
	other := fresh("x1")
	other.Account = "other"
	other, err := other.MarkDead(call.Expired, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o.bury(other)

	list := func(f queue.DeadLetterFilter) ([]string, bool) {
		t.Helper()
		letters, err := o.graveyard.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, l := range letters.Letters {
			if l.Body != nil || l.Size == 0 {
				t.Errorf("%s: a listing carries no body and knows its size, got %d and %d", l.ID, len(l.Body), l.Size)
			}
			ids = append(ids, string(l.ID))
		}
		return ids, letters.More
	}
	if ids, more := list(queue.DeadLetterFilter{Limit: 10000}); len(ids) != many+2 || more || ids[0] != "e000" {
		t.Errorf("all: %d letters, more %t", len(ids), more)
	}
	if ids, more := list(queue.DeadLetterFilter{Limit: 5, Reasons: []call.Reason{call.Expired}}); len(ids) != 5 || !more {
		t.Errorf("limited: %v, more %t", ids, more)
	}
	if ids, more := list(queue.DeadLetterFilter{Limit: many, Account: acct, Reasons: []call.Reason{call.Expired}}); len(ids) != many || more {
		t.Errorf("as many as there are: %d letters, more %t", len(ids), more)
	}
	if ids, _ := list(queue.DeadLetterFilter{Limit: 100, Reasons: []call.Reason{call.OutcomeUnknown, call.WebhookFailed}}); !slices.Equal(ids, []string{"u1"}) {
		t.Errorf("by reason: %v", ids)
	}
	if ids, _ := list(queue.DeadLetterFilter{Limit: 100, Account: "other"}); !slices.Equal(ids, []string{"x1"}) {
		t.Errorf("by account: %v", ids)
	}
	window := queue.DeadLetterFilter{
		Limit: 100, Account: acct,
		After: time.Now().Add(-4*time.Minute - 30*time.Second), Before: time.Now().Add(-2*time.Minute - 30*time.Second),
	}
	if ids, _ := list(window); !slices.Equal(ids, []string{"e596", "e597"}) {
		t.Errorf("by age: %v", ids)
	}
	if ids, _ := list(queue.DeadLetterFilter{Limit: 100, Account: "nobody"}); len(ids) != 0 {
		t.Errorf("nobody's: %v", ids)
	}
}

func TestLettersOfAnotherRequestAreNotOfTheCall(t *testing.T) {
	o := newOffice(t)
	r, err := fresh("c1").MarkDead(call.IDConflict, "in use", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := o.graveyard.PutConflict(t.Context(), r, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	sequence := strconv.FormatUint(r.Origin.Sequence, 10) // ends the subject, and may be an id, too
	for _, id := range []string{"c1", sequence} {
		o.wantNoLetters(id)
		if accounts, err := o.operator.AccountsOf(t.Context(), call.ID(id)); err != nil || len(accounts) != 0 {
			t.Errorf("accounts that know %s: %v, %v", id, accounts, err)
		}
	}
	letters, err := o.graveyard.List(t.Context(), queue.DeadLetterFilter{Limit: 10})
	if err != nil || len(letters.Letters) != 1 || letters.Letters[0].ID != "c1" || letters.Letters[0].SubjectToken != sequence {
		t.Errorf("%+v, %v", letters, err)
	}
}

func TestMessagesOfTwoStreamsWithOneSequenceHaveLettersOfTheirOwn(t *testing.T) {
	o := newOffice(t)
	for _, stream := range []string{"", "CALLS_BULK"} {
		r := fresh("c1")
		r.Origin.Stream = stream
		r, err := r.MarkDead(call.IDConflict, "in use", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := o.graveyard.PutConflict(t.Context(), r, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := o.graveyard.List(t.Context(), queue.DeadLetterFilter{Limit: 10})
	if err != nil || len(letters.Letters) != 2 {
		t.Fatalf("%+v, %v", letters, err)
	}
	for _, l := range letters.Letters {
		if l.SubjectToken != l.Origin.Key() || l.Origin.Sequence != 7 {
			t.Errorf("the letter %s is of the message %+v", l.SubjectToken, l.Origin)
		}
	}
}

func TestAccountsOfAnID(t *testing.T) {
	o := newOffice(t)
	o.dead("d1", call.Expired)
	other := fresh("d1")
	other.Account = "other"
	other, err := other.MarkDead(call.Malformed, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o.bury(other)
	accounts, err := o.operator.AccountsOf(t.Context(), "d1")
	if err != nil || !slices.Equal(accounts, []call.Account{acct, "other"}) {
		t.Errorf("%v, %v", accounts, err)
	}
}
