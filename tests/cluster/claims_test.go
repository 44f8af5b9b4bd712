package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

// racers claim each call at once, and one wins at most, also while the records have
// no leader, or two nodes that believe to lead.
const racers = 8

// round is a number of keys, and a failure of the leader of the records just before
// they are raced for. The leader recovers when the racers at the other nodes are
// done.
type round struct {
	keys          int
	fail, recover func(b *brokers, leader int)
}

var (
	fewRounds = []round{
		{20, func(*brokers, int) {}, func(*brokers, int) {}},
		{20, (*brokers).kill, (*brokers).start},
	}
	allRounds = []round{
		{140, func(*brokers, int) {}, func(*brokers, int) {}},
		{75, (*brokers).kill, (*brokers).start},
		{75, (*brokers).kill, (*brokers).start},
		{
			10, // for some seconds two nodes believe that they lead
			func(b *brokers, leader int) { b.isolate(leader, blackholed) },
			func(b *brokers, leader int) { b.isolate(leader, connected) },
		},
	}
)

// race is what came of one key.
type race struct {
	winners   atomic.Int32
	uncertain atomic.Int32
	nonce     atomic.Value // the winner's
}

func TestOneClaimWins(t *testing.T) {
	t.Parallel()
	b := newBrokers(t)
	conns := make([]*queue.Conn, racers)
	for i := range conns {
		conn, err := queue.Connect(queue.ConnectOptions{URL: b.url(i % nodes), Name: fmt.Sprintf("racer %d", i)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		conns[i] = conn
	}
	env := &environment{t: t, brokers: b}
	js := conns[0].JetStream()
	env.eventually("the streams are made", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 3*requestTimeout)
		defer cancel()
		_, err := (queue.Topology{Replicas: nodes}).Apply(ctx, js)
		return err == nil
	})
	env.eventually("every stream has its replicas", func() bool { return fullyReplicated(t.Context(), js) })

	rounds, keys := allRounds, 0
	if *extent == "few" {
		rounds = fewRounds
	}
	for _, h := range rounds {
		keys += h.keys
	}
	races := make([]race, keys)
	recordsOf := make([]*queue.Records, racers)
	for i, conn := range conns {
		var err error
		if recordsOf[i], err = conn.NewRecords(t.Context(), queue.Retention{}, func() { t.Error("the records went back in time") }); err != nil {
			t.Fatal(err)
		}
	}
	begin := 0
	for _, h := range rounds {
		leader := env.leaderOf(js, queue.StreamRecords, "")
		h.fail(b, leader)
		var near, far sync.WaitGroup // racers at the struck node, and at the others
		for i, records := range recordsOf {
			group := &far
			if i%nodes == leader {
				group = &near
			}
			group.Go(func() {
				for key := begin; key < begin+h.keys; key++ {
					races[key].claim(t, records, key, i)
				}
			})
		}
		far.Wait()
		h.recover(b, leader)
		near.Wait()
		begin += h.keys
	}

	won, held, uncertain := 0, 0, int32(0)
	for key := range races {
		r := &races[key]
		uncertain += r.uncertain.Load()
		var record call.Record
		env.eventually("a record can be read", func() bool {
			var err error
			record, _, err = recordsOf[0].Read(t.Context(), "default", callID(key))
			return err == nil
		})
		switch {
		case r.winners.Load() > 1:
			t.Errorf("key %d was won by %d racers", key, r.winners.Load())
		case r.winners.Load() == 1 && record.Nonce() != r.nonce.Load():
			t.Errorf("key %d was won by %v, and its record says %q", key, r.nonce.Load(), record.Nonce())
		case r.winners.Load() == 1:
			won++
		case r.uncertain.Load() == 0:
			t.Errorf("key %d has no winner, and no claim was uncertain", key)
		default:
			held++
		}
	}
	line := fmt.Sprintf("claims: %d keys in %d rounds, %d racers each: %d won once, %d claimed without a known winner; %d claims were uncertain", keys, len(rounds), racers, won, held, uncertain)
	figures.note(line)
	t.Log(line)
}

// claim races for one key until it is decided. A racer that does not learn that it won
// has not won; while there is no winner, it tries again.
func (r *race) claim(t *testing.T, records *queue.Records, key, racer int) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for try := 0; ; try++ {
		nonce := fmt.Sprintf("racer-%d-%d", racer, try)
		record, err := call.NewRecord("default", callID(key), "digest", call.Origin{Sequence: uint64(key + 1), Published: time.Now()}, call.Normal, "", []byte("{}")).
			Claim("racer", nonce, time.Now())
		if err != nil {
			t.Error(err)
			return
		}
		_, err = records.Put(t.Context(), record, call.Version{})
		switch {
		case err == nil:
			r.winners.Add(1)
			r.nonce.Store(nonce)
			return
		case errors.Is(err, call.ErrConflict):
			return
		case errors.Is(err, queue.ErrUnverified):
			_, _ = rollback.Verify(t.Context(), records) // and if it fails, the next try fails, too
		case errors.Is(err, call.ErrUncertain):
			r.uncertain.Add(1)
		default:
			t.Errorf("key %d: %v", key, err)
			return
		}
		if found, _, err := records.Read(t.Context(), "default", callID(key)); err == nil && found.State != call.StateAbsent {
			return
		}
		select {
		case <-t.Context().Done():
			return
		case <-again.C:
		}
	}
}

func callID(key int) call.ID { return call.ID(fmt.Sprintf("key-%d", key)) }
