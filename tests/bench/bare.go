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

// recordSize is that of the records of ringonce in this bench, in bytes.
const recordSize = 920

// bareLoop pulls, POSTs and acknowledges: the least that a worker can do, and
// what it can do at most. It remembers nothing, so it may ring twice.
func bareLoop(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	natsURL := flags.String("nats", "", "the broker")
	provider := flags.String("provider", "", "the provider")
	inFlight := flags.Int("in-flight", 64, "POSTs in flight")
	remembers := flags.Bool("remember", false, "write two records for each call")
	if err := flags.Parse(args); err != nil {
		return err
	}
	nc, err := nats.Connect(*natsURL)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := bareConsumer(ctx, js)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: *inFlight, MaxIdleConnsPerHost: *inFlight}}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2 * *inFlight))
	if err != nil {
		return err
	}
	defer messages.Stop()
	announce("bare")
	var posting sync.WaitGroup
	for range *inFlight {
		posting.Go(func() {
			for {
				m, err := messages.Next(jetstream.NextContext(ctx))
				if err != nil {
					return
				}
				if *remembers {
					err = remembered(ctx, js, m, func() error { return post(ctx, client, *provider, m.Data()) })
				} else {
					err = post(ctx, client, *provider, m.Data())
				}
				if err != nil {
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

// bareConsumer is that of all requests.
func bareConsumer(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	return js.CreateOrUpdateConsumer(ctx, queue.StreamCalls, jetstream.ConsumerConfig{
		Durable: "bare", AckPolicy: jetstream.AckExplicitPolicy,
	})
}

// remembered places a call between two confirmed records of it, as large as
// those of ringonce and written by compare-and-set, the second to be kept for a
// while. It is the least that a worker can do which knows after its death what
// it did: nothing of a record is looked at, and no request is.
func remembered(ctx context.Context, js jetstream.JetStream, m jetstream.Msg, place func() error) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	subject := "calls.records.default.bare-" + strconv.FormatUint(meta.Sequence.Stream, 10)
	record := bytes.Repeat([]byte("."), recordSize)
	claim, err := js.Publish(ctx, subject, record, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
	if err != nil {
		return err
	}
	if err := place(); err != nil {
		return err
	}
	_, err = js.Publish(ctx, subject, record,
		jetstream.WithExpectLastSequencePerSubject(claim.Sequence), jetstream.WithMsgTTL(36*time.Hour), jetstream.WithRetryAttempts(0))
	return err
}

func post(ctx context.Context, client *http.Client, provider string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, provider+"/sfvopi/calls", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", simulator.DefaultAPIKey)
	response, err := client.Do(request)
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
