package app

import (
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/queue"
)

// connect starts to connect to NATS, without waiting.
func (a *App) connect() (*queue.Conn, error) {
	var readErrors logThrottle
	options, err := NATSOptions(a.config.NATS, func(err error) {
		if readErrors.allow() {
			a.log.Error("cannot read the credentials for NATS; using those read before", "error", err)
		}
	})
	if err != nil {
		return nil, err
	}
	var once sync.Once
	conn, err := queue.Connect(queue.ConnectOptions{
		URL: a.config.NATS.URL, Name: "ringonce " + a.worker, Options: append(options, a.nats...), NKey: NATSKey(a.config.NATS), Domain: a.config.NATS.Domain,
		OnConnectionChange: func(up bool, err error) {
			a.metrics.Connected(up)
			a.rollback.onConnectionChange(up)
			if !up {
				a.logDisconnect(err)
				return
			}
			first := false
			once.Do(func() { first = true })
			if !first {
				a.metrics.Reconnected()
			}
			a.log.Info("connected to NATS")
		},
		OnError: a.logNATSError,
	})
	if err != nil {
		return nil, fmt.Errorf("%w; check nats.url and the credentials", err)
	}
	return conn, nil
}

func (a *App) logDisconnect(err error) {
	switch {
	case err == nil:
	case NATSAuthFailed(err):
		a.logNATSError(err)
	case a.disconnectLog.allow():
		a.log.Warn("no connection to NATS; retrying", "error", err)
	}
}

func (a *App) logNATSError(err error) {
	switch {
	case NATSAuthFailed(err):
		if a.authLog.allow() {
			a.log.Error("NATS refuses the credentials; reading them again and retrying", "error", err, "credentials", NATSCredentialsSource(a.config.NATS))
		}
	case errors.Is(err, nats.ErrPermissionViolation):
		if a.permissionLog.allow() {
			a.log.Error("NATS refuses a permission; see docs/permissions.md for those that a worker needs", "error", err)
		}
	case a.disconnectLog.allow():
		a.log.Warn("NATS client error", "error", err)
	}
}
