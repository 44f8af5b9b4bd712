package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	urgentRequests = 50
	urgentInterval = 300 * time.Millisecond
	urgentTimeout  = 30 * time.Second
	publishAtOnce  = 2000 // fewer than the client allows to be unconfirmed
)

// priority publishes urgent requests behind many bulk ones, and measures the
// time from each publish to its POST.
func (b *bench) priority(ctx context.Context) error {
	fmt.Printf("\n%d urgent requests, one every %s, behind %d bulk ones:\n\n", urgentRequests, urgentInterval, b.waiting)
	fmt.Println("| calls per second of the account | workers | from publish to POST, median | p99 | longest |")
	fmt.Println("|---|---|---|---|---|")
	for _, c := range []struct {
		limit   string
		workers int
	}{{"10", 1}, {"10", 4}, {"0", 1}} {
		if err := b.urgent(ctx, c.limit, c.workers); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) urgent(ctx context.Context, limit string, workers int) error {
	env, err := b.newEnvironment(ctx, 0, 0)
	if err != nil {
		return err
	}
	defer env.close()
	w, err := newWatched(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if err := env.publish(b.waiting, func(i int) (string, string) {
		return "calls.requests.default.bulk", callee(i)
	}); err != nil {
		return err
	}
	for range workers {
		worker, err := start(ctx, false, b.configuration(env, w.address, limit), b.binary, "run")
		if err != nil {
			return err
		}
		defer worker.stop()
	}
	first, cancel := context.WithTimeout(ctx, urgentTimeout)
	defer cancel()
	if _, err := w.firstCall(first); err != nil {
		return err
	}
	var took []time.Duration
	every := time.NewTicker(urgentInterval)
	defer every.Stop()
	for i := range urgentRequests {
		<-every.C
		to := fmt.Sprintf("+9199%08d", i)
		called := w.expect(to)
		published := time.Now()
		if err := env.publish(1, func(int) (string, string) { return "calls.requests.default.urgent", to }); err != nil {
			return err
		}
		select {
		case at := <-called:
			took = append(took, at.Sub(published))
		case <-time.After(urgentTimeout):
			return errors.New("an urgent request was not dialled in time")
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + " ms" }
	fmt.Printf("| %s | %d | %s | %s | %s |\n", limit, workers, ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1]))
	return nil
}

func callee(i int) string { return fmt.Sprintf("+9198%08d", i) }

// publish stores so many requests, each on a subject and for a callee.
func (env *environment) publish(n int, each func(i int) (subject, to string)) error {
	for i := range n {
		subject, to := each(i)
		body := fmt.Sprintf(`{"from":%q,"to":%q,"answer_url":"https://publisher.example/answer"}`, simulator.DefaultNumber, to)
		if _, err := env.js.PublishAsync(subject, []byte(body)); err != nil {
			return err
		}
		if (i+1)%publishAtOnce == 0 || i == n-1 {
			select {
			case <-env.js.PublishAsyncComplete():
			case <-time.After(drainTimeout):
				return errors.New("publishing the requests took too long")
			}
		}
	}
	return nil
}
