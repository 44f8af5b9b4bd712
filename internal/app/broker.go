package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/backlog"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/queue/ratelimit"
	"github.com/ringonce/ringonce/queue/rollback"
)

// broker is what a worker uses of NATS.
type broker struct {
	conn      *queue.Conn
	records   *queue.Records
	gossip    *rollback.Gossip
	control   *control.Bucket
	meter     *backlog.Meter
	peers     *control.PeerBus
	limiter   *ratelimit.Limiter
	consumers *pull.Consumers
}

// stores returns what a handler writes to.
func (b *broker) stores(keepDead time.Duration) dispatcher.Stores {
	return dispatcher.Stores{Records: b.records, Scheduler: b.conn.NewScheduler(), DeadLetters: b.conn.NewDeadLetters(keepDead)}
}

// setUp creates or checks everything at the broker, and retries until that
// succeeds or ctx ends.
func (a *App) setUp(ctx context.Context, conn *queue.Conn) (*broker, error) {
	var throttle logThrottle
	delays := retry.NewBackoff(100*time.Millisecond, 2*time.Second)
	for {
		b, err := a.setUpOnce(ctx, conn)
		if err == nil {
			return b, nil
		}
		if ctx.Err() == nil && throttle.allow() {
			a.log.Warn("not ready: JetStream is not set up as required; retrying", "error", err)
		}
		if !retry.Sleep(ctx, delays.NextBackOff()) {
			return nil, ctx.Err()
		}
	}
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
	if err := a.setUpStreams(ctx, conn); err != nil {
		return nil, err
	}
	records, err := conn.NewRecords(ctx, queue.Retention{Placed: a.config.Records.Keep, Dead: a.config.Dead.Keep}, a.rollback.onRollback)
	if err != nil {
		return nil, err
	}
	gossip, err := rollback.NewGossip(records)
	if err != nil {
		return nil, err
	}
	consumers, err := pull.NewConsumers(conn, pull.Options{
		OnAckDenied: func() { a.setAckPermission(false) }, OnAckBackpressure: a.metrics.AckBackpressure,
	})
	if err != nil {
		return nil, err
	}
	b := &broker{
		conn: conn, consumers: consumers, records: records, gossip: gossip, control: control.New(conn, a.log),
		meter: backlog.NewMeter(conn), peers: control.NewPeerBus(conn),
		limiter: ratelimit.New(conn, ratelimit.Config{
			Provision: a.config.Streams.Provision, Replicas: a.config.Streams.Replicas, OnClockSample: a.metrics.BrokerClock,
		}),
	}
	for _, acc := range a.accounts.list() {
		acc.attach(a, b)
	}
	return b, nil
}

// setUpStreams creates missing streams, if the configuration allows it, and
// checks all of them.
func (a *App) setUpStreams(ctx context.Context, conn *queue.Conn) error {
	topology := Topology(a.config)
	if a.config.Streams.Provision {
		created, err := topology.Apply(ctx, conn.JetStream())
		if err != nil {
			return err
		}
		if len(created) > 0 {
			a.log.Info("streams created", "streams", created)
		}
	}
	drifts, err := topology.Check(ctx, conn.JetStream())
	if err != nil {
		return err
	}
	if err := a.checkDrift(drifts); err != nil {
		return errors.Join(err, a.rollback.recordDrift(ctx, conn, drifts))
	}
	return nil
}

// checkDrift returns an error if a difference would break the guarantee, and
// logs the others.
func (a *App) checkDrift(drifts []queue.Drift) error {
	var broken []error
	for _, d := range drifts {
		if d.Setting == "" || d.Impact != "" {
			broken = append(broken, errors.New(d.String()))
			continue
		}
		a.log.Warn("a stream differs", "difference", d.String())
	}
	return errors.Join(broken...)
}

// Topology is what the configuration says about the streams.
func Topology(c configs.Config) queue.Topology {
	s := c.Streams
	return queue.Topology{Replicas: s.Replicas, MaxBytes: map[call.Priority]int64{
		call.Urgent: int64(s.MaxUrgentMiB) << 20, call.Normal: int64(s.MaxNormalMiB) << 20, call.Bulk: int64(s.MaxBulkMiB) << 20,
	}}
}
