package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// batchSize is how many calls go in step: fewer are dearer, and with more of 64
// in flight the processes begin to wait for each other.
const batchSize = 16

// batchedLoop is the loop with two records at its cheapest: calls go in step, a
// batch at a time, each over a connection of its own. The claims of a batch
// leave in one write, as do its outcomes and its acknowledgements. No worker
// could do so that has calls of different length in hand; this one shows what
// two confirmed records cost where nothing else can be saved.
func batchedLoop(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("batched", flag.ContinueOnError)
	natsURL := flags.String("nats", "", "the broker")
	provider := flags.String("provider", "", "the provider")
	inFlight := flags.Int("in-flight", 64, "POSTs in flight")
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
	if _, err := bareConsumer(ctx, js); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: *inFlight, MaxIdleConnsPerHost: *inFlight}}
	announce("batched")
	var running sync.WaitGroup
	for n := range max(1, *inFlight/batchSize) {
		b := &batches{inbox: fmt.Sprintf("_INBOX.batches.%d.", n), client: client, provider: *provider}
		if b.wire, err = dialWire(ctx, *natsURL, b.inbox); err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { _ = b.conn.Close() })()
		running.Go(func() {
			for {
				if err := b.next(ctx); err != nil {
					if ctx.Err() == nil {
						fmt.Fprintln(os.Stderr, "batched:", err)
					}
					return
				}
			}
		})
	}
	running.Wait()
	return nil
}

// batches places calls, one batch after another.
type batches struct {
	*wire
	inbox    string
	client   *http.Client
	provider string
}

// next places the calls of one batch, of none if nothing waits.
func (b *batches) next(ctx context.Context) error {
	requests, err := b.pull()
	if err != nil || len(requests) == 0 {
		return err
	}
	versions := make([]uint64, len(requests))
	if err := b.record(requests, versions, ""); err != nil {
		return err
	}
	if err := b.post(ctx, requests); err != nil {
		return err
	}
	if err := b.record(requests, versions, "Nats-TTL: "+(36*time.Hour).String()+"\r\n"); err != nil {
		return err
	}
	for _, r := range requests {
		b.publish(r.reply, "", "", []byte("+ACK"))
	}
	return b.flush()
}

func (b *batches) pull() ([]frame, error) {
	b.publish("$JS.API.CONSUMER.MSG.NEXT.CALLS.bare", b.inbox+"pull", "",
		fmt.Appendf(nil, `{"batch":%d,"expires":%d}`, batchSize, 300*time.Millisecond))
	if err := b.flush(); err != nil {
		return nil, err
	}
	var requests []frame
	for len(requests) < batchSize {
		f, err := b.wire.next()
		if err != nil {
			return nil, err
		}
		if f.reply == "" { // a status: that was all
			break
		}
		requests = append(requests, f)
	}
	return requests, nil
}

// record writes a record for each request by compare-and-set, waits until all
// are confirmed, and notes their versions.
func (b *batches) record(requests []frame, versions []uint64, headers string) error {
	body := bytes.Repeat([]byte("."), recordSize)
	for i, r := range requests {
		sequence := strings.Split(r.reply, ".")[5] // $JS.ACK, stream, consumer, deliveries, sequence
		header := "NATS/1.0\r\nNats-Expected-Stream: CALL_RECORDS\r\n" + headers +
			"Nats-Expected-Last-Subject-Sequence: " + strconv.FormatUint(versions[i], 10) + "\r\n\r\n"
		b.publish("calls.records.default.bare-"+sequence, b.inbox+strconv.Itoa(i), header, body)
	}
	if err := b.flush(); err != nil {
		return err
	}
	for range requests {
		f, err := b.wire.next()
		if err != nil {
			return err
		}
		i, err := strconv.Atoi(strings.TrimPrefix(f.subject, b.inbox))
		if err != nil {
			return err
		}
		if versions[i], err = confirmed(f.body); err != nil {
			return err
		}
	}
	return nil
}

// confirmed reads the sequence in the broker's confirmation of a publish.
func confirmed(answer []byte) (uint64, error) {
	_, rest, found := bytes.Cut(answer, []byte(`"seq":`))
	if !found {
		return 0, fmt.Errorf("the broker answered %s", answer)
	}
	return strconv.ParseUint(string(rest[:bytes.IndexAny(rest, ",}")]), 10, 64)
}

func (b *batches) post(ctx context.Context, requests []frame) error {
	failed := make(chan error, len(requests))
	for _, r := range requests {
		go func() { failed <- post(ctx, b.client, b.provider, r.body) }()
	}
	var err error
	for range requests {
		if e := <-failed; e != nil {
			err = e
		}
	}
	return err
}
