package pull

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// ErrAckDenied means that the broker refuses our acknowledgements. It drops them
// silently: every message would come back for ever.
var ErrAckDenied = errors.New("NATS permissions forbid acknowledgements: allow publishing to $JS.ACK.>")

const (
	acksPrefix = "$JS.ACK."
	// probeTokens end the subject of a probe before its number: no message was
	// delivered under them.
	probeTokens = ".1.0.0.0."
)

// ackPermission is what the broker last reported of our acknowledgements.
type ackPermission struct {
	denied atomic.Bool
	probes atomic.Uint64 // begun
}

// onDenied takes the subject of a refused publish. The refusal of an earlier
// probe counts no more: the client reports it after the probe is over.
func (p *ackPermission) onDenied(subject string, report func()) {
	if !strings.HasPrefix(subject, acksPrefix) {
		return
	}
	_, number, isProbe := strings.Cut(subject, probeTokens)
	if n, err := strconv.ParseUint(number, 10, 64); isProbe && err == nil && n < p.probes.Load() {
		return
	}
	p.denied.Store(true)
	if report != nil {
		report()
	}
}

// CheckAckPermission returns [ErrAckDenied] if acknowledgements are not permitted
// now. It sends one to each consumer of each account, for a message that was
// never delivered: that changes nothing.
func (c *Consumers) CheckAckPermission(ctx context.Context, accounts ...call.Account) error {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	// An earlier refusal says nothing about what is permitted now.
	probe := c.acks.probes.Add(1)
	c.acks.denied.Store(false)
	nc := c.conn.NATS()
	before := nc.LastError()
	for _, a := range accounts {
		for _, s := range newSources(Config{Account: a}, "") {
			subject := fmt.Sprintf("%s%s.%s%s%d", acksPrefix, s.stream, s.config.Durable, probeTokens, probe)
			if err := nc.Publish(subject, []byte("+WPI")); err != nil {
				return fmt.Errorf("probe the permission to acknowledge: %w", err)
			}
		}
	}
	// The broker answers in order: a refusal comes before the flush's answer.
	if err := nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("probe the permission to acknowledge: %w", err)
	}
	after := nc.LastError()
	subject, subscribing := queue.DeniedSubject(after)
	refused := !subscribing && strings.HasPrefix(subject, acksPrefix)
	if after != before && refused || c.acks.denied.Load() { //nolint:errorlint // each refusal is an error of its own
		return ErrAckDenied
	}
	return nil
}
