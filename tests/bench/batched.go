package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// batchSize is how many calls go in step: fewer are dearer, and with more of 64
// in flight the processes begin to wait for each other.
const batchSize = 16

// emptyBatchDelay is how long a batch waits where nothing does.
const emptyBatchDelay = 20 * time.Millisecond

// inBatches is the loop with two records at its cheapest: calls go in step, a
// batch at a time, each batch over a connection of its own. Its claims leave in
// one write, as do its outcomes and its acknowledgements. No worker could do so
// that has calls of different length in flight; this one shows what two confirmed
// records cost where nothing else can be saved.
func (b bare) inBatches(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	size := min(batchSize, b.inFlight)
	for n := range b.inFlight / size {
		inbox := fmt.Sprintf("_INBOX.batches.%d.", n)
		w, err := dialWire(ctx, b.nats, inbox)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { _ = w.conn.Close() })
		running.Go(func() {
			defer stop()
			batch := batches{wire: w, bare: b, inbox: inbox, size: size}
			for {
				if err := batch.next(ctx); err != nil {
					if ctx.Err() == nil {
						fmt.Fprintln(os.Stderr, "bare:", err)
					}
					return
				}
			}
		})
	}
	return nil
}

// batches places calls, one batch after another.
type batches struct {
	bare
	*wire
	inbox string
	size  int
}

// next places the calls of one batch, smaller if fewer wait. If none do, it looks
// again a little later.
func (b *batches) next(ctx context.Context) error {
	requests, err := b.pull()
	if err != nil {
		return err
	}
	if len(requests) == 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(emptyBatchDelay):
			return nil
		}
	}
	versions := make([]uint64, len(requests))
	if err := b.record(requests, versions, ""); err != nil {
		return err
	}
	if err := b.postAll(ctx, requests); err != nil {
		return err
	}
	if err := b.record(requests, versions, "Nats-TTL: "+keepRecord.String()+"\r\n"); err != nil {
		return err
	}
	for _, r := range requests {
		b.publish(r.reply, "", "", []byte("+ACK"))
	}
	return b.flush()
}

func (b *batches) pull() ([]frame, error) {
	b.publish("$JS.API.CONSUMER.MSG.NEXT.CALLS.bare", b.inbox+"pull", "",
		fmt.Appendf(nil, `{"batch":%d,"no_wait":true}`, b.size))
	if err := b.flush(); err != nil {
		return nil, err
	}
	var requests []frame
	for len(requests) < b.size {
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

func (b *batches) postAll(ctx context.Context, requests []frame) error {
	failed := make(chan error, len(requests))
	for _, r := range requests {
		go func() { failed <- b.post(ctx, r.body) }()
	}
	var err error
	for range requests {
		if e := <-failed; e != nil {
			err = e
		}
	}
	return err
}
