package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/term"
)

// maxPublishing is how many requests of a file await confirmation at once.
const maxPublishing = 128

// requestFile is an open file of requests.
type requestFile struct {
	next   requestReader
	read   *countingReader
	size   int64 // in bytes, 0 if it is not known
	closer io.Closer
}

// openRequests opens a file, or standard input for -, and detects its format.
func openRequests(name string, stdin io.Reader) (*requestFile, error) {
	f := &requestFile{read: &countingReader{in: stdin}, closer: io.NopCloser(nil)}
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("--file: %w", err)
		}
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			f.size = info.Size()
		}
		f.read.in, f.closer = file, file
	}
	var err error
	if f.next, err = newRequestReader(f.read, name); err != nil {
		_ = f.closer.Close()
		return nil, err
	}
	return f, nil
}

// publishFile publishes the requests of a file, and closes it. Invalid lines are
// reported and skipped; a failed publish ends it.
func (p *publishing) publishFile(ctx context.Context, f *requestFile) error {
	defer func() { _ = f.closer.Close() }() // only read from
	batch := &fileBatch{publishing: p, seen: seenIDs{}, notes: notes{out: p.err}}
	stopBar := batch.showProgress(f.read, f.size)
	err := batch.publishAll(ctx, f.next)
	stopBar(err == nil)
	return batch.report(err)
}

// fileBatch publishes one file.
type fileBatch struct {
	*publishing
	seen      seenIDs
	notes     notes
	published atomic.Int64
	rejected  int
}

// publishAll publishes the requests concurrently until the end of the file or the
// first error. It returns when none is in flight.
func (b *fileBatch) publishAll(ctx context.Context, read requestReader) error {
	var sending errgroup.Group
	sending.SetLimit(maxPublishing)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var failed error
	for ctx.Err() == nil {
		body, line, err := read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *brokenFile
		if errors.As(err, &broken) {
			failed = fmt.Errorf("line %d: %w", line, err)
			break
		}
		if err == nil {
			body, err = b.checkLine(body, line)
		}
		if err != nil {
			b.reject(line, err)
			continue
		}
		if b.dry {
			b.published.Add(1)
			continue
		}
		sending.Go(func() error {
			if err := b.publish(ctx, body); err != nil {
				err = fmt.Errorf("line %d: %w", line, err)
				cancel(err)
				return err
			}
			b.published.Add(1)
			return nil
		})
	}
	if err := sending.Wait(); err != nil {
		return context.Cause(ctx)
	}
	if failed == nil {
		return context.Cause(ctx)
	}
	return failed
}

// reject reports every error of a line.
func (b *fileBatch) reject(line int, err error) {
	b.rejected++
	for _, e := range allErrors(err) {
		fmt.Fprintf(b.err, "line %d: %v\n", line, e)
	}
}

// report prints the totals. stopped is why the file was not read to its end.
func (b *fileBatch) report(stopped error) error {
	b.notes.end(b.account)
	published := plural(int(b.published.Load()), "request")
	done := "published"
	if b.dry {
		done = "would be published"
	}
	fmt.Fprintf(b.out, "%s %s, %d rejected\n", published, done, b.rejected)
	switch {
	case stopped != nil && b.dry:
		return stopped
	case stopped != nil:
		return fmt.Errorf("%w; publish the file again: the same id is dialled once", stopped)
	case b.rejected > 0:
		return fmt.Errorf("%s rejected; correct the lines above and publish them again", plural(b.rejected, "line"))
	default:
		return nil
	}
}

// showProgress draws a bar on a terminal until the returned function is called.
func (b *fileBatch) showProgress(read *countingReader, size int64) (stop func(all bool)) {
	file, ok := term.Open(b.err)
	if !ok || b.dry {
		return func(bool) {}
	}
	drawn, ended, done := term.NewBar(file, size), make(chan struct{}), make(chan struct{})
	draw := func() { drawn.Set(read.n.Load(), plural(int(b.published.Load()), "request")+" published") }
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				return
			case <-time.After(100 * time.Millisecond):
				draw()
			}
		}
	}()
	return func(all bool) {
		close(ended)
		<-done
		draw()
		drawn.Close(all)
	}
}

// checkLine validates a request of the file, and sets its id if it has none.
func (b *fileBatch) checkLine(body []byte, line int) ([]byte, error) {
	request, digest, err := b.rules.check(body, time.Now())
	if err != nil {
		return nil, err
	}
	if request.ID == "" {
		if !b.makeIDs {
			return nil, &call.InvalidError{
				Field: "id", Rule: "is missing",
				Fix: "set one on every line, so that the file can be published again, or add --make-ids",
			}
		}
		if body, err = setID(body, newID()); err != nil {
			return nil, err
		}
		if _, _, err = b.rules.check(body, time.Now()); err != nil { // it may be too long now
			return nil, err
		}
	} else if first, again := b.seen.add(request.ID, digest, line); again {
		if first.digest != digest {
			return nil, &call.InvalidError{
				Field: "id", Rule: fmt.Sprintf("duplicates line %d, which is a different request", first.line), Fix: "use a different id for each call",
			}
		}
		b.notes.add("line %d: duplicates line %d; the call is dialled once", line, first.line)
	}
	b.notes.request(request, line)
	return body, nil
}

// setID sets the id of a request.
func setID(body []byte, id string) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("set the id of the request: %w", err)
	}
	members["id"] = jsontext.Value(`"` + id + `"`)
	body, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("set the id of the request: %w", err)
	}
	return body, nil
}

// seenIDs are the first lines with each id, and their digests. A different request
// with the same id would end as id_conflict.
type seenIDs map[call.ID]seenID

// maxSeenIDs bounds the memory: later ids are not compared.
const maxSeenIDs = 1_000_000

type seenID struct {
	digest call.Digest
	line   int
}

// add stores an id, or returns the line that had it first.
func (s seenIDs) add(id call.ID, d call.Digest, line int) (first seenID, again bool) {
	if first, again = s[id]; !again && len(s) < maxSeenIDs {
		s[id] = seenID{d, line}
	}
	return first, again
}

// notes reports likely mistakes in requests that are published anyway.
type notes struct {
	out         io.Writer
	written     int
	noAnswerURL int // requests without one
	first       int // line of the first of them
}

// maxNotes is how many notes are printed.
const maxNotes = 20

func (n *notes) add(format string, args ...any) {
	if n.written++; n.written <= maxNotes {
		fmt.Fprintf(n.out, "note: "+format+"\n", args...)
	}
}

func (n *notes) request(r call.Request, line int) {
	for _, field := range unassignedFields(r) {
		n.add("line %d: %s", line, unassignedNote(field))
	}
	if r.AnswerURL == "" {
		if n.noAnswerURL++; n.noAnswerURL == 1 {
			n.first = line
		}
	}
}

func (n *notes) end(a call.Account) {
	if left := n.written - maxNotes; left > 0 {
		fmt.Fprintf(n.out, "note: %s more like these\n", plural(left, "note"))
	}
	if n.noAnswerURL > 0 {
		fmt.Fprintf(n.out, "note: %s without an answer_url, the first in line %d; %s\n",
			plural(n.noAnswerURL, "request"), n.first, noAnswerURL(a))
	}
}

// countingReader counts the bytes that were read.
type countingReader struct {
	in io.Reader
	n  atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.n.Add(int64(n))
	return n, err
}
