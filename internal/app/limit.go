package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/ratelimit"
)

// loggedLimiter is the part of one account in the calls per second that all workers
// share, with its failures logged once in a while. One asks at a time.
type loggedLimiter struct {
	limiter *ratelimit.AccountLimiter
	account call.Account
	log     *slog.Logger
	loud    logThrottle
}

// Reserve gives moments at which calls may be begun.
func (l *loggedLimiter) Reserve(ctx context.Context, n int, ahead time.Duration) ([]time.Time, time.Time, error) {
	moments, again, err := l.limiter.Reserve(ctx, n, ahead)
	if err != nil && ctx.Err() == nil && l.loud.allow() {
		l.log.Warn("the calls per second cannot be counted with the other workers: nothing is dialled until they can", "account", l.account, "error", err)
	}
	return moments, again, err
}
