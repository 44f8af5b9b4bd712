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

// Build identifies the version of ringonce.
type Build = metrics.Build

// Options are the parts from which [New] builds a worker.
type Options struct {
	Config   configs.Config
	Log      *slog.Logger
	Registry *prometheus.Registry
	Build    Build
	// Worker names this process in records and logs; the host name if empty.
	Worker string

	// Listener serves health and metrics instead of http.address, if set.
	Listener net.Listener
	// NATS are additional options of the connection, such as an in-process one.
	NATS []nats.Option
	// DialProvider replaces the network to the provider, if set.
	DialProvider sfvopi.DialFunc
	// MeasureInterval is how often the queues are measured; 0 means every 10 s.
	MeasureInterval time.Duration
}
