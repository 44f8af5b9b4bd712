package cli

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

// play publishes the batch, waits until it has ended, and judges it.
func (s *stage) play(ctx context.Context, out io.Writer, requests []devRequest) error {
	err := s.provider.PutRule(simulator.Rule{
		Name: "outage", Fault: "service_temporarily_unavailable", After: outageFrom, Until: outageUntil,
	})
	if err != nil {
		return err
	}
	began := time.Now()
	published, err := s.publish(ctx, requests)
	if err == nil {
		err = s.watch(ctx, out, len(published), began)
	}
	if errors.Is(err, errDevStopped) {
		return errors.Join(err, s.cutShort(ctx, out, len(requests)))
	}
	if err != nil {
		return err
	}
	verdict, rung, err := s.judge(ctx, published)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	printTable(out, verdict)
	if !verdict.OK() {
		accuse(out, verdict)
		return errors.New("a request is not accounted for, or a phone rang twice; it is named above")
	}
	explain(out, verdict, rung)
	fmt.Fprintf(out, "\nDone in %s.\n", time.Since(began).Round(100*time.Millisecond))
	return nil
}

// cutShort stops the worker before the batch has ended, and says how far it
// came.
func (s *stage) cutShort(ctx context.Context, out io.Writer, requests int) error {
	fmt.Fprintln(out, stopping)
	if err := s.stopWorker(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherWithin)
	defer cancel()
	counts, err := countDev(ctx, s.conn, requests)
	if err != nil {
		return err
	}
	oracle := s.provider.Oracle().Summary
	fmt.Fprintf(out, "%s. By the provider's oracle %s went out, and phones rung twice: %d.\n",
		counts, count(oracle.Rung, "call"), oracle.RungTwice)
	fmt.Fprintln(out, "With a broker that stays, the next worker would go on with the rest.")
	return nil
}

// publish puts the requests into the stream, in their order, and gives those
// that the broker confirmed.
func (s *stage) publish(ctx context.Context, requests []devRequest) ([]reconcile.Published, error) {
	const atOnce = 500
	js, now := s.conn.JetStream(), time.Now()
	published := make([]reconcile.Published, 0, len(requests))
	for len(requests) > 0 {
		some := requests[:min(atOnce, len(requests))]
		requests = requests[len(some):]
		acks := make([]jetstream.PubAckFuture, len(some))
		for i := range some {
			some[i].body = atTime(some[i].body, now)
			ack, err := js.PublishAsync(queue.RequestSubject(devAccount, some[i].priority), some[i].body)
			if err != nil {
				return published, fmt.Errorf("publish %s: %w", some[i].name, err)
			}
			acks[i] = ack
		}
		for i, ack := range acks {
			select {
			case confirmed := <-ack.Ok():
				published = append(published, reconcile.Published{Name: some[i].name, OriginKey: reconcile.OriginKey(confirmed), Body: some[i].body})
			case err := <-ack.Err():
				return published, fmt.Errorf("publish %s: %w", some[i].name, err)
			case <-ctx.Done():
				return published, errDevStopped
			}
		}
	}
	return published, nil
}

// watch shows progress until every request has ended or there is no more
// patience: the verdict then says which have not.
func (s *stage) watch(ctx context.Context, out io.Writer, published int, began time.Time) error {
	m, all := newMeter(out, published), false
	defer func() { m.end(all) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	patience := time.NewTimer(devPatience + time.Duration(published)*devPatienceEach)
	defer patience.Stop()
	for {
		counts, err := countDev(ctx, s.conn, published)
		if ctx.Err() != nil {
			return errDevStopped
		}
		if err != nil {
			return err
		}
		m.show(counts, outageNote(time.Since(began)))
		if all = counts.waiting == 0 && counts.parked == 0; all {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errDevStopped
		case <-patience.C:
			return nil
		case <-s.workerDone:
			return fmt.Errorf("the worker ended: %w", s.stopWorker())
		}
	}
}

func outageNote(since time.Duration) string {
	if since >= outageFrom && since < outageUntil {
		return "provider down"
	}
	return ""
}

// judge hears the broker and the provider's oracle.
func (s *stage) judge(ctx context.Context, published []reconcile.Published) (reconcile.Report, int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherWithin)
	defer cancel()
	evidence, err := reconcile.Gather(ctx, s.conn.JetStream(), devAccount)
	if err != nil {
		return reconcile.Report{}, 0, err
	}
	evidence.Published = published
	for _, heard := range s.provider.Oracle().Calls {
		for _, ring := range heard.Rings {
			evidence.Rings = append(evidence.Rings, reconcile.Ring{
				Callee: heard.Callee, AnswerURL: heard.AnswerURL, RequestUUID: ring.RequestUUID,
			})
		}
	}
	return reconcile.Check(evidence), len(evidence.Rings), nil
}
