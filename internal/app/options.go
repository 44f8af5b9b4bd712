package app

import (
	"log/slog"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/sfvopi"
)

// Build tells which ringonce this is.
type Build = metrics.Build

// Options is what a worker is made of.
type Options struct {
	Config   configs.Config
	Log      *slog.Logger
	Registry *prometheus.Registry
	Build    Build
	// Worker names this process among all workers, in records and logs.
	Worker string

	// Listener serves health and metrics instead of http.address, if set.
	Listener net.Listener
	// NATS are further options of the connection, such as an in-process one.
	NATS []nats.Option
	// DialProvider replaces the network to the provider, if set.
	DialProvider sfvopi.DialFunc
	// MeasureInterval is how often the depths of the queues are measured; 0 is
	// every 10 s.
	MeasureInterval time.Duration
}
