package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/ratelimit"
	"github.com/ringonce/ringonce/sfvopi"
)

// loggedProvider is the provider's client of one account. It logs that this
// machine cannot open connections, which no state of the account shows.
type loggedProvider struct {
	*sfvopi.Client
	log      *slog.Logger
	throttle logThrottle
}

// Place implements [dispatcher.Provider].
func (p *loggedProvider) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	o := p.Client.Place(ctx, r, by)
	if o.Reason == call.OutOfResources && p.throttle.allow() {
		p.log.Error("cannot open connections on this machine; calls wait and are retried", "error", o.Message)
	}
	return o
}

// loggedLimiter is the rate limiter of one account, with its failures logged.
type loggedLimiter struct {
	*ratelimit.AccountLimiter
	log      *slog.Logger
	throttle logThrottle
}

// Reserve implements [lane.RateLimiter].
func (l *loggedLimiter) Reserve(ctx context.Context, n int, ahead time.Duration) ([]time.Time, time.Time, error) {
	slots, retryAt, err := l.AccountLimiter.Reserve(ctx, n, ahead)
	if err != nil && ctx.Err() == nil && l.throttle.allow() {
		l.log.Warn("cannot reserve rate-limit slots; not dialling meanwhile", "error", err)
	}
	return slots, retryAt, err
}
