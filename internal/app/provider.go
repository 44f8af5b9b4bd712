package app

import (
	"context"
	"log/slog"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi"
)

// loggedProvider is the client of one account. It logs once in a while that calls fail
// by this machine's fault, which no state of the account shows.
type loggedProvider struct {
	*sfvopi.Client
	log  *slog.Logger
	loud logThrottle
}

// Place makes one attempt at a call.
func (p *loggedProvider) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	o := p.Client.Place(ctx, r, by)
	if o.Reason == call.OutOfResources && p.loud.allow() {
		p.log.Error("calls cannot be placed: no connection can be opened on this machine; they wait and are tried again", "error", o.Message)
	}
	return o
}
