package devenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// run publishes the requests, waits until they have ended, and verifies them.
func (s *stack) run(ctx context.Context, out io.Writer, requests []request) error {
	err := s.provider.PutRule(simulator.Rule{
		Name: "outage", Fault: "service_temporarily_unavailable", After: outageStart, Until: outageEnd,
	})
	if err != nil {
		return err
	}
	began := time.Now()
	published, err := s.publish(ctx, requests)
	if err == nil {
		err = s.awaitEnd(ctx, out, len(published), began)
	}
	if errors.Is(err, errInterrupted) {
		return errors.Join(err, s.interrupt(ctx, out, len(requests)))
	}
	if err != nil {
		return err
	}
	report, rings, err := s.verify(ctx, published)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	printTable(out, report)
	if !report.OK() {
		printFailures(out, report)
		return errors.New("a request is not accounted for, or a phone rang twice; see the list above")
	}
	printLegend(out, report, rings)
	fmt.Fprintf(out, "\nDone in %s.\n", time.Since(began).Round(100*time.Millisecond))
	return nil
}

// publish puts the requests into the stream, in order, and returns those that the
// broker confirmed.
func (s *stack) publish(ctx context.Context, requests []request) ([]reconcile.Published, error) {
	const batchSize = 500
	js, now := s.conn.JetStream(), time.Now()
	published := make([]reconcile.Published, 0, len(requests))
	for len(requests) > 0 {
		batch := requests[:min(batchSize, len(requests))]
		requests = requests[len(batch):]
		acks := make([]jetstream.PubAckFuture, len(batch))
		for i := range batch {
			batch[i].body = expandTimes(batch[i].body, now)
			ack, err := js.PublishAsync(queue.RequestSubject(account, batch[i].priority), batch[i].body)
			if err != nil {
				return published, fmt.Errorf("publish %s: %w", batch[i].name, err)
			}
			acks[i] = ack
		}
		for i, ack := range acks {
			select {
			case confirmed := <-ack.Ok():
				published = append(published, reconcile.Published{Name: batch[i].name, OriginKey: reconcile.OriginKey(confirmed), Body: batch[i].body})
			case err := <-ack.Err():
				return published, fmt.Errorf("publish %s: %w", batch[i].name, err)
			case <-ctx.Done():
				return published, errInterrupted
			}
		}
	}
	return published, nil
}

// awaitEnd shows progress until every request has ended, or the run has timed
// out: then verify reports those that have not.
func (s *stack) awaitEnd(ctx context.Context, out io.Writer, published int, began time.Time) error {
	p, done := newProgress(out, published), false
	defer func() { p.close(done) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(runTimeout + time.Duration(published)*requestTimeout)
	defer timeout.Stop()
	for {
		counts, err := countRequests(ctx, s.conn, published)
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return err
		}
		note := ""
		if d := time.Since(began); d >= outageStart && d < outageEnd {
			note = ", provider down"
		}
		p.show(counts, note)
		if done = counts.waiting == 0 && counts.parked == 0; done {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errInterrupted
		case <-timeout.C:
			return nil
		case <-s.workerDone:
			return fmt.Errorf("the worker ended: %w", s.stopWorker())
		}
	}
}

// verify reconciles the requests with the broker and the provider's oracle. It
// returns the number of rings, too.
func (s *stack) verify(ctx context.Context, published []reconcile.Published) (reconcile.Report, int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTimeout)
	defer cancel()
	input, err := reconcile.Gather(ctx, s.conn.JetStream(), account)
	if err != nil {
		return reconcile.Report{}, 0, err
	}
	input.Published = published
	for _, c := range s.provider.Oracle().Calls {
		for _, ring := range c.Rings {
			input.Rings = append(input.Rings, reconcile.Ring{
				Callee: c.Callee, AnswerURL: c.AnswerURL, RequestUUID: ring.RequestUUID,
			})
		}
	}
	return reconcile.Check(input), len(input.Rings), nil
}

// interrupt stops the worker before the requests have ended, and prints how many
// have.
func (s *stack) interrupt(ctx context.Context, out io.Writer, requests int) error {
	fmt.Fprintln(out, stopping)
	if err := s.stopWorker(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTimeout)
	defer cancel()
	counts, err := countRequests(ctx, s.conn, requests)
	if err != nil {
		return err
	}
	oracle := s.provider.Oracle().Summary
	fmt.Fprintf(out, "%s. Phones rung: %d, phones rung twice: %d.\n", counts, oracle.Rung, oracle.RungTwice)
	fmt.Fprintln(out, "With a broker that keeps running, the next worker continues with the rest.")
	return nil
}
