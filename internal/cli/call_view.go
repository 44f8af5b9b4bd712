package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// callView is a record for display.
type callView struct {
	Account     call.Account    `json:"account"`
	ID          call.ID         `json:"id"`
	State       call.State      `json:"state"`
	Reason      call.Reason     `json:"reason,omitzero"`
	Message     string          `json:"message,omitzero"`
	Changed     time.Time       `json:"changed"`
	Published   time.Time       `json:"published,omitzero"`
	NextAt      time.Time       `json:"next_at,omitzero"`
	MayHaveRung bool            `json:"may_have_rung,omitzero"`
	Discarded   bool            `json:"discarded,omitzero"`
	RequestUUID string          `json:"request_uuid,omitzero"`
	Priority    call.Priority   `json:"priority,omitzero"`
	Trace       string          `json:"traceparent,omitzero"`
	Request     *requestView    `json:"request,omitzero"`
	Made        int             `json:"made"`
	Spent       int             `json:"spent"`
	Attempts    []call.Attempt  `json:"attempts"`
	Notes       []call.Note     `json:"notes"`
	Letters     []deadLetterRef `json:"dead_letters"`

	queued        bool  // no worker has read it
	replayRefused error // why it cannot be replayed as it is
}

// requestView is a request, its numbers and tokens masked unless revealed.
type requestView struct {
	From          string            `json:"from"`
	To            string            `json:"to"`
	AppID         string            `json:"app_id,omitzero"`
	AnswerURL     string            `json:"answer_url,omitzero"`
	RingURL       string            `json:"ring_url,omitzero"`
	HangupURL     string            `json:"hangup_url,omitzero"`
	RingTimeout   int               `json:"ring_timeout,omitzero"`
	CallTimeLimit int               `json:"call_time_limit,omitzero"`
	NotBefore     time.Time         `json:"not_before,omitzero"`
	ExpiresAt     time.Time         `json:"expires_at,omitzero"`
	Metadata      map[string]string `json:"metadata,omitzero"`
}

// deadLetterRef names a dead letter.
type deadLetterRef struct {
	Letter uint64      `json:"letter"`
	Reason call.Reason `json:"reason"`
	Ended  time.Time   `json:"ended"`
}

func (l deadLetterRef) line() string {
	if l.Reason == call.IDConflict {
		return fmt.Sprintf("@%d %s: another request with this id was not dialled", l.Letter, l.Reason)
	}
	return fmt.Sprintf("@%d %s", l.Letter, l.Reason)
}

func newCallView(r call.Record, letters []queue.DeadLetter, reveal bool) callView {
	v := callView{
		Account: r.Account, ID: r.ID, State: r.State, Reason: r.Reason, Message: r.Message,
		Changed: r.Changed, Published: r.Origin.Published, NextAt: r.NextAt,
		MayHaveRung: r.MayHaveRung, Discarded: r.Discarded, RequestUUID: r.RequestUUID,
		Priority: r.Priority, Trace: r.Trace, Request: newRequestView(r.Request, reveal),
		Made: r.Made, Spent: r.Spent, Attempts: r.Attempts, Notes: r.Notes,
	}
	for _, l := range letters {
		v.Letters = append(v.Letters, deadLetterRef{l.Sequence, l.Reason, l.Ended})
	}
	return v
}

// newRequestView decodes a request for display; nil if that fails.
func newRequestView(body []byte, reveal bool) *requestView {
	r, _, err := call.DecodeRequest(body, call.PossibleNumbers)
	if err != nil {
		return nil
	}
	v := &requestView{
		From: showPhone(r.From, reveal), To: showPhone(r.To, reveal), AppID: r.AppID,
		AnswerURL: showURL(r.AnswerURL, reveal), RingURL: showURL(r.RingURL, reveal), HangupURL: showURL(r.HangupURL, reveal),
		RingTimeout: r.RingTimeout, CallTimeLimit: r.CallTimeLimit, NotBefore: r.NotBefore, ExpiresAt: r.ExpiresAt,
		Metadata: map[string]string{},
	}
	for key, value := range r.Metadata {
		if !reveal {
			key, value = call.MaskText(key), call.MaskText(value)
		}
		v.Metadata[key] = value
	}
	return v
}

// print prints the state of the call, its history, and what to do next.
func (v callView) print(out io.Writer, now time.Time) error {
	t, row := newDetails(out)
	row("call", string(v.ID))
	row("account", string(v.Account))
	row("state", v.stateLine())
	row("since", formatTime(v.Changed, now))
	row("reason", string(v.Reason))
	row("message", v.Message)
	row("next at", formatTime(v.NextAt, now))
	row("request_uuid", v.RequestUUID)
	row("priority", string(v.Priority))
	if r := v.Request; r != nil {
		row("from", r.From)
		row("to", r.To)
		row("app_id", r.AppID)
		row("answer_url", r.AnswerURL)
		row("not_before", formatTime(r.NotBefore, now))
		row("expires_at", formatTime(r.ExpiresAt, now))
		row("metadata", metadataLine(r.Metadata))
	}
	row("trace", v.Trace)
	row("attempts", fmt.Sprintf("%d made, %d spent", v.Made, v.Spent))
	for _, l := range v.Letters {
		row("dead letter", l.line())
	}
	t.Render()
	fmt.Fprintln(out)
	history := newTable(out, "when", "what", "detail")
	for _, e := range v.history() {
		history.AppendRow([]any{formatTime(e.at, now), e.what, e.detail})
	}
	history.Render()
	if next := v.advice(); next != "" {
		fmt.Fprintf(out, "\n%s\n", next)
	}
	return nil
}

func (v callView) stateLine() string {
	switch {
	case v.Discarded:
		return string(v.State) + ", discarded"
	case v.MayHaveRung:
		return string(v.State) + ", may have rung"
	default:
		return string(v.State)
	}
}

func metadataLine(m map[string]string) string {
	var parts []string
	for key, value := range m {
		parts = append(parts, printable(key+"="+value))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// advice returns what an operator can do next.
func (v callView) advice() string {
	id := string(v.ID)
	switch v.State {
	case call.StateWaiting:
		if v.queued {
			return "It waits for a worker of its account; see: ringonce accounts list. Cancel it with: ringonce calls cancel " + id
		}
		return "It is dialled automatically when it is due. Cancel it with: ringonce calls cancel " + id
	case call.StateDialling:
		return "A worker is dialling it. If that worker is lost, another one holds the call as unknown."
	case call.StateDead:
		switch {
		case v.Discarded:
			return ""
		case v.MayHaveRung:
			return "Find out whether it rang, then: ringonce unknown resolve --rang (or --not-rung) --why … " + id
		case v.replayRefused != nil:
			return "It cannot be replayed: " + withID(v.replayRefused, id).Error()
		default:
			return "Once the cause is fixed: ringonce dead replay " + id + ". To abandon it: ringonce dead discard " + id
		}
	case call.StateUnknown:
		return "Find out whether it rang, then: ringonce unknown resolve --rang (or --not-rung) --why … " + id
	case call.StatePlaced, call.StateCancelled, call.StateAbsent:
		return ""
	default:
		return "Unknown state, written by a newer ringonce."
	}
}

// event is one line of a call's history.
type event struct {
	at     time.Time
	what   string
	detail string
}

// history returns what happened to the call, in order.
func (v callView) history() []event {
	var events []event
	if !v.Published.IsZero() {
		events = append(events, event{v.Published, "published", ""})
	}
	for _, a := range v.Attempts {
		events = append(events, event{a.ClaimedAt, fmt.Sprintf("attempt %d claimed", a.N), "by " + a.Worker})
		if !a.EndedAt.IsZero() {
			events = append(events, event{a.EndedAt, fmt.Sprintf("attempt %d %s", a.N, a.Class), attemptLine(a)})
		}
	}
	for _, n := range v.Notes {
		detail := "by " + n.By
		if n.Why != "" {
			detail += ": " + n.Why
		}
		events = append(events, event{n.At, n.What, detail})
	}
	if v.State == call.StateDead && !v.Discarded {
		events = append(events, event{v.Changed, "dead", string(v.Reason)})
	}
	if v.State == call.StateWaiting {
		events = append(events, event{v.Changed, "waiting", string(v.Reason)})
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	return events
}

func attemptLine(a call.Attempt) string {
	parts := []string{string(a.Reason)}
	if a.Status != 0 {
		parts = append(parts, strconv.Itoa(a.Status))
	}
	if a.Message != "" {
		parts = append(parts, strconv.Quote(a.Message))
	}
	if a.RequestUUID != "" {
		parts = append(parts, a.RequestUUID)
	}
	if !a.Spent {
		parts = append(parts, "(not counted)")
	}
	return strings.Join(parts, " ")
}
