package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	// recordSize is that of the records of ringonce in this bench, in bytes.
	recordSize = 920
	// keepRecord is how long the last record of a call is kept.
	keepRecord = 36 * time.Hour
)

// bare is a loop that pulls, POSTs and acknowledges: the least that a worker can
// do, and what it can do at most.
type bare struct {
	js       jetstream.JetStream
	consumer jetstream.Consumer
	client   *http.Client
	nats     string
	provider string
	inFlight int
}

// bareLoop runs one of the bare loops until ctx ends.
func bareLoop(ctx context.Context, args []string) error {
	var b bare
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	flags.StringVar(&b.nats, "nats", "", "the broker")
	flags.StringVar(&b.provider, "provider", "", "the provider")
	flags.IntVar(&b.inFlight, "in-flight", 64, "POSTs in flight")
	records := flags.String("records", "none", "what is written of each call: none, two, or batches (two, for a batch of calls at a time)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	nc, err := nats.Connect(b.nats)
	if err != nil {
		return err
	}
	defer nc.Close()
	if b.js, err = jetstream.New(nc); err != nil {
		return err
	}
	b.consumer, err = b.js.CreateOrUpdateConsumer(ctx, queue.StreamCalls, jetstream.ConsumerConfig{
		Durable: "bare", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return err
	}
	b.client = &http.Client{Transport: &http.Transport{MaxIdleConns: b.inFlight, MaxIdleConnsPerHost: b.inFlight}}
	announce("bare")
	switch *records {
	case "none":
		return b.each(ctx, b.place)
	case "two":
		return b.each(ctx, b.placeWithRecords)
	case "batches":
		return b.inBatches(ctx)
	default:
		return fmt.Errorf("-records %s: not one of none, two and batches", *records)
	}
}

// each handles as many requests at once as POSTs may be in flight.
func (b bare) each(ctx context.Context, handle func(context.Context, jetstream.Msg) error) error {
	messages, err := b.consumer.Messages(jetstream.PullMaxMessages(2 * b.inFlight))
	if err != nil {
		return err
	}
	defer messages.Stop()
	var posting sync.WaitGroup
	for range b.inFlight {
		posting.Go(func() {
			for {
				m, err := messages.Next(jetstream.NextContext(ctx))
				if err != nil {
					return
				}
				if err := handle(ctx, m); err != nil {
					fmt.Fprintln(os.Stderr, "bare:", err)
					return
				}
				_ = m.Ack()
			}
		})
	}
	posting.Wait()
	return nil
}

// place remembers nothing of the call, so it may ring twice.
func (b bare) place(ctx context.Context, m jetstream.Msg) error { return b.post(ctx, m.Data()) }

// placeWithRecords places a call between two confirmed records of it, as large as those
// of ringonce and written by compare-and-set, the second to be kept for a while.
// It is the least that a worker can do which knows after its death what it did:
// nothing of a record is looked at, and no request is.
func (b bare) placeWithRecords(ctx context.Context, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	subject := "calls.records.default.bare-" + strconv.FormatUint(meta.Sequence.Stream, 10)
	record := bytes.Repeat([]byte("."), recordSize)
	claim, err := b.js.Publish(ctx, subject, record, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
	if err != nil {
		return err
	}
	if err := b.place(ctx, m); err != nil {
		return err
	}
	_, err = b.js.Publish(ctx, subject, record,
		jetstream.WithExpectLastSequencePerSubject(claim.Sequence), jetstream.WithMsgTTL(keepRecord), jetstream.WithRetryAttempts(0))
	return err
}

func (b bare) post(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.provider+"/sfvopi/calls", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", simulator.DefaultAPIKey)
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("the provider answered %d", response.StatusCode)
	}
	return nil
}
