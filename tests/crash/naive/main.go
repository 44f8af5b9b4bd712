// Command naive is the worker that is usually written: it pulls a message, makes the POST,
// acknowledges on success and naks with a delay on any error.
// tests/crash puts it through the same as ours, to compare.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/internal/failpoint"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := work(ctx); err != nil {
		log.Fatal(err) //nolint:gocritic // nothing is left to be stopped
	}
}

// work pulls four at a time. AckWait is twice the time-out of a request.
func work(ctx context.Context) error {
	nc, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, "CALLS", jetstream.ConsumerConfig{
		Durable: "naive", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 1100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 500 * time.Millisecond}
	for ctx.Err() == nil {
		messages, err := consumer.Fetch(4, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return err
		}
		var handling sync.WaitGroup
		for m := range messages.Messages() {
			handling.Go(func() { handle(client, m) })
		}
		handling.Wait()
	}
	return nil
}

func handle(client *http.Client, m jetstream.Msg) {
	failpoint.Eval(failpoint.DeliveryBegun)
	err := place(client, m.Data())
	failpoint.Eval(failpoint.OutcomeKnown)
	if err != nil {
		log.Print(err)
		failpoint.Eval(failpoint.ScheduleBefore)
		err = m.NakWithDelay(200 * time.Millisecond)
		failpoint.Eval(failpoint.ScheduleAfter)
	} else {
		failpoint.Eval(failpoint.AckBefore)
		err = m.Ack()
		failpoint.Eval(failpoint.AckAfter)
	}
	if err != nil {
		log.Print(err)
	}
}

func place(client *http.Client, body []byte) error {
	var call map[string]any
	if err := json.Unmarshal(body, &call); err != nil {
		return err
	}
	delete(call, "id") // ours, not the provider's
	body, err := json.Marshal(call)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, os.Getenv("SFVOPI_BASE_URL")+"/sfvopi/calls", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", os.Getenv("SFVOPI_API_KEY"))
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the provider answered %d", response.StatusCode)
	}
	return nil
}
