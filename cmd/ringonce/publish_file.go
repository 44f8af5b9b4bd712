package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
)

// publishFile publishes the requests of a file one after the other. Lines that
// are refused are named and passed over; a broker that does not take a request
// ends it.
func (p *publishing) publishFile(ctx context.Context, stdin io.Reader, name string) error {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return usageError{fmt.Errorf("open the file of requests: %w", err)}
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	read, err := newRequestReader(in, strings.HasSuffix(strings.ToLower(name), ".csv"))
	if err != nil {
		return usageError{err}
	}
	var published, refused int
	seen := seenIDs{}
	for {
		body, line, err := read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			body, err = p.checkLine(body, seen, line)
		}
		var stop *brokenFile
		if errors.As(err, &stop) {
			return fmt.Errorf("line %d: %w; %s published before it", line, err, count(published, "request"))
		}
		if err != nil {
			refused++
			fmt.Fprintf(p.err, "line %d: %v\n", line, err)
			continue
		}
		if !p.dry {
			if err := p.publisher.Publish(ctx, p.account, p.priority, body, ""); err != nil {
				return fmt.Errorf("line %d: %w; %s published before it: publish the file again, lines with an id of their own are dialled once",
					line, err, count(published, "request"))
			}
		}
		published++
	}
	done := "published"
	if p.dry {
		done = "would be published"
	}
	fmt.Fprintf(p.out, "%s %s, %d refused\n", count(published, "request"), done, refused)
	if refused > 0 {
		return fmt.Errorf("%s refused; correct what stands above and publish those again", count(refused, "line"))
	}
	return nil
}

// seenIDs are the lines of a file that gave an id first, as the digests of what
// they ask for. Of two requests with one id the second would end as id_conflict.
type seenIDs map[call.ID]seenID

// mostSeen bounds how many are remembered: a longer file is not compared from
// there on.
const mostSeen = 1_000_000

type seenID struct {
	digest call.Digest
	line   int
}

func (s seenIDs) check(id call.ID, d call.Digest, line int) error {
	first, again := s[id]
	if !again {
		if len(s) < mostSeen {
			s[id] = seenID{d, line}
		}
		return nil
	}
	if first.digest == d {
		return nil // published again, dialled once
	}
	return &call.InvalidError{
		Field: "id", Rule: fmt.Sprintf("is that of line %d, which asks for something else", first.line), Fix: "give each call its own",
	}
}

// checkLine gives the request to publish for one of the file.
func (p *publishing) checkLine(body []byte, seen seenIDs, line int) ([]byte, error) {
	request, digest, err := p.rules.check(body, time.Now())
	if err != nil {
		return body, err
	}
	if request.ID != "" {
		return body, seen.check(request.ID, digest, line)
	}
	if !p.makeIDs {
		return nil, &call.InvalidError{
			Field: "id", Rule: "is missing",
			Fix: "give every line one, so that the file can be published again; or add --make-ids",
		}
	}
	// An object that was read whole begins with a brace, and has no id yet.
	_, rest, _ := bytes.Cut(body, []byte("{"))
	separator := ","
	if bytes.HasPrefix(bytes.TrimSpace(rest), []byte("}")) {
		separator = ""
	}
	body = fmt.Appendf(nil, `{"id":%q%s%s`, madeUpID(), separator, rest)
	_, _, err = p.rules.check(body, time.Now())
	return body, err
}

// requestReader gives the next request with the number of its line; io.EOF
// after the last.
type requestReader func() (body []byte, line int, err error)

// brokenFile is a file that cannot be read any further.
type brokenFile struct{ cause error }

func (e *brokenFile) Error() string { return e.cause.Error() }

func newRequestReader(in io.Reader, isCSV bool) (requestReader, error) {
	if isCSV {
		return readCSV(in)
	}
	return readLines(in), nil
}

// readLines reads one JSON object from each line; empty lines are passed over.
// A line is never held in memory beyond the size that a request may have.
func readLines(in io.Reader) requestReader {
	r := bufio.NewReaderSize(in, call.MaxRequestSize+2)
	line := 0
	return func() ([]byte, int, error) {
		for {
			line++
			text, err := r.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				for errors.Is(err, bufio.ErrBufferFull) {
					_, err = r.ReadSlice('\n')
				}
				return nil, line, &call.InvalidError{
					Rule: fmt.Sprintf("the line is longer than the %d bytes that a request may have", call.MaxRequestSize), Fix: "send less metadata",
				}
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, line, &brokenFile{err}
			}
			if text = bytes.TrimSpace(text); len(text) > 0 {
				return slices.Clone(text), line, nil
			}
			if err != nil {
				return nil, line, io.EOF
			}
		}
	}
}

// readCSV reads requests from rows under a header of field names. A cell that
// is empty leaves its field out.
func readCSV(in io.Reader) (requestReader, error) {
	bounded := &boundedReader{in: in}
	bounded.allow()
	r := csv.NewReader(bounded)
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header row: %w; it must name the fields, such as id,from,to,answer_url,metadata.patient", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for i, name := range header {
		if !new(fields).known(name) {
			return nil, fmt.Errorf("column %d, %q, is not a field of a request; use the documented names, and metadata.<key> for metadata", i+1, name)
		}
		if slices.Contains(header[:i], name) {
			return nil, fmt.Errorf("column %d, %q, stands there twice; give it once", i+1, name)
		}
	}
	line := 1
	return func() ([]byte, int, error) {
		bounded.allow()
		row, err := r.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil, 0, io.EOF
		case errors.As(err, &parse) && errors.Is(err, csv.ErrFieldCount):
			return nil, parse.StartLine, fmt.Errorf("the row has %d cells and the header %d; quote cells that hold a comma", len(row), len(header))
		case errors.As(err, &parse):
			return nil, parse.StartLine, &brokenFile{parse.Err}
		case err != nil:
			return nil, line + 1, &brokenFile{err}
		}
		line, _ = r.FieldPos(0)
		var f fields
		for i, name := range header {
			if err := f.set(name, row[i]); err != nil {
				return nil, line, err
			}
		}
		body, err := f.encode()
		return body, line, err
	}, nil
}

// maxRowSize bounds a row of CSV: a quote that is never closed would read the
// whole file into memory.
const maxRowSize = 4 * call.MaxRequestSize

// boundedReader fails when more is read than was allowed.
type boundedReader struct {
	in   io.Reader
	left int
}

// allow lets one more row be read.
func (b *boundedReader) allow() { b.left = maxRowSize }

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the row is longer than %d bytes; is a quote not closed?", maxRowSize)
	}
	n, err := b.in.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
