package dispatcher

import (
	"context"

	"github.com/ringonce/ringonce/call"
)

// NoAccount is under which name the dead letters stand of requests whose subject
// names nothing that could be an account. They have no record: no worker can
// ever have dialled them.
const NoAccount call.Account = "no-account"

// DeadLetterBadSubject ends a request whose subject names no possible account.
func (w *Handler) DeadLetterBadSubject(ctx context.Context, d call.Delivery, m Message) error {
	r := call.NewRecord(w.Account, call.GeneratedID(d.Origin), call.Digest(""), d.Origin, call.Normal, d.Trace, d.Body)
	return w.buryAlone(ctx, r, step{
		reason: call.UnknownAccount, message: "its subject names no possible account: 1 to 32 of a-z, 0-9 and -",
	}, d.Body, m, w.DeadLetters.Put)
}
