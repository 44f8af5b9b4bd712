package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/ratelimit"
)

// broker is what a worker uses of NATS.
type broker struct {
	conn    *queue.Conn
	records *queue.Records
	gossip  *queue.Gossip
	control *queue.Control
	meter   *queue.DepthMeter
	peers   *queue.PeerBus
	limiter *ratelimit.Limiter
}

// setUp connects and makes or finds everything at the broker, trying again
// until it works or ctx ends.
func (a *App) setUp(ctx context.Context, conn *queue.Conn) (*broker, error) {
	waits := newBackoff(ctx)
	var loud logThrottle
	for {
		b, err := a.setUpOnce(ctx, conn)
		if err == nil {
			return b, nil
		}
		if ctx.Err() == nil && loud.allow() {
			a.log.Warn("not ready: NATS JetStream is not as it has to be; trying again", "error", err)
		}
		delay := waits.NextBackOff()
		if delay == backoff.Stop {
			return nil, ctx.Err()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(delay):
		}
	}
}

func newBackoff(ctx context.Context) backoff.BackOff {
	return backoff.WithContext(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(0),
	), ctx)
}

func (a *App) setUpOnce(ctx context.Context, conn *queue.Conn) (*broker, error) {
	if !conn.NATS().IsConnected() {
		if err := conn.NATS().LastError(); err != nil {
			return nil, fmt.Errorf("not connected: %w", err)
		}
		return nil, errors.New("not connected")
	}
	if err := queue.CheckServer(ctx, conn.JetStream()); err != nil {
		return nil, err
	}
	if err := conn.CheckMaxPayload(); err != nil {
		return nil, err
	}
	topology := Topology(a.config)
	if a.config.Streams.Provision {
		made, err := topology.Apply(ctx, conn.JetStream())
		if err != nil {
			return nil, err
		}
		if len(made) > 0 {
			a.log.Info("streams made", "streams", made)
		}
	}
	differences, err := topology.Check(ctx, conn.JetStream())
	if err != nil {
		return nil, err
	}
	if err := a.checkDrift(differences); err != nil {
		return nil, errors.Join(err, a.rollback.recordDrift(ctx, conn, differences))
	}
	records, err := conn.NewRecords(ctx, queue.Retention{Placed: a.config.Records.Keep, Dead: a.config.Dead.Keep}, a.rollback.onRollback)
	if err != nil {
		return nil, err
	}
	witnesses, err := conn.NewGossip(records)
	if err != nil {
		return nil, err
	}
	b := &broker{conn: conn, records: records, gossip: witnesses, control: conn.NewControl(a.log), meter: conn.NewDepthMeter(), peers: conn.NewPeerBus()}
	b.limiter = ratelimit.New(conn, ratelimit.Config{
		Provision: a.config.Streams.Provision, Replicas: a.config.Streams.Replicas, OnClockSample: a.metrics.BrokerClock,
	})
	for _, acc := range a.accounts.list() {
		acc.attach(a, b)
	}
	return b, nil
}

// Topology is what the configuration says of the streams.
func Topology(c configs.Config) queue.Topology {
	s := c.Streams
	return queue.Topology{Replicas: s.Replicas, MaxBytes: map[call.Priority]int64{
		call.Urgent: int64(s.MaxUrgentMiB) << 20, call.Normal: int64(s.MaxNormalMiB) << 20, call.Bulk: int64(s.MaxBulkMiB) << 20,
	}}
}

// checkDrift gives an error if a stream is so different that the promise would not
// hold, and logs what is only a matter of size.
func (a *App) checkDrift(differences []queue.Drift) error {
	var broken []error
	for _, d := range differences {
		if d.Setting == "" || d.Impact != "" {
			broken = append(broken, errors.New(d.String()))
			continue
		}
		a.log.Warn("a stream differs", "difference", d.String())
	}
	return errors.Join(broken...)
}

// connect begins to connect; it does not wait.
func (a *App) connect() (*queue.Conn, error) {
	var unread logThrottle
	options, err := NATSOptions(a.config.NATS, func(err error) {
		if unread.allow() {
			a.log.Error("what was read before is sent to NATS", "error", err)
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
		OnError: a.logNATSError, OnAckBackpressure: a.metrics.AckBackpressure,
		OnAckDenied: func() {
			a.metrics.AckPermission(false)
			a.health.ackPermitted.Store(false)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%w; check nats.url and the credentials", err)
	}
	return conn, nil
}

// logDisconnect logs that the connection is down, once in a while.
func (a *App) logDisconnect(err error) {
	switch {
	case err == nil:
	case NATSAuthFailed(err):
		a.logNATSError(err)
	case a.disconnectLog.allow():
		a.log.Warn("no connection to NATS; trying again", "error", err)
	}
}

// logNATSError logs what the broker refuses, once in a while.
func (a *App) logNATSError(err error) {
	switch {
	case NATSAuthFailed(err):
		if a.authLog.allow() {
			a.log.Error("NATS refuses the credentials; trying again, with what is read then", "error", err, "credentials", NATSCredentialsSource(a.config.NATS))
		}
	case errors.Is(err, nats.ErrPermissionViolation):
		if a.errorLog.allow() {
			a.log.Error("NATS refuses a permission; see docs/permissions.md for those that a worker needs", "error", err)
		}
	case a.disconnectLog.allow():
		a.log.Warn("the NATS client reports a failure", "error", err)
	}
}

// hostname names this process if nothing else does.
func hostname() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "worker"
}
