package devenv

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// account is the only account of the environment.
const account call.Account = "default"

const (
	maxRequests = 100_000
	maxLineSize = 512 << 10 // the stream's limit
)

// SampleSize is the number of requests in the sample.
const SampleSize = 200

//go:embed sample.txt
var sample []byte

// request is one message to be published.
type request struct {
	name     string // for the report: its place, and its id if it has one
	priority call.Priority
	body     []byte
}

// readRequests reads one message from each line that is neither empty nor a
// comment (#). A line may begin with its subject and a space.
func readRequests(r io.Reader) ([]request, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLineSize)
	var requests []request
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		if len(requests) == maxRequests {
			return nil, fmt.Errorf("line %d: at most %d requests are published; split the file", n, maxRequests)
		}
		priority, body, err := splitSubject(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		requests = append(requests, request{
			name: requestName("line", n, body), priority: priority, body: bytes.Clone(body),
		})
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: it has %d bytes or more; a request has at most %d", n+1, maxLineSize, call.MaxRequestSize)
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, lines.Err())
	}
	if len(requests) == 0 {
		return nil, errors.New("the file has no request; write one JSON object per line")
	}
	return requests, nil
}

// splitSubject splits a line into its priority, by the subject if it has one, and
// the message.
func splitSubject(line []byte) (call.Priority, []byte, error) {
	if !bytes.HasPrefix(line, []byte("calls.requests.")) {
		return call.Normal, line, nil
	}
	subject, body, _ := bytes.Cut(line, []byte(" "))
	for _, p := range call.Priorities() {
		if string(subject) == queue.RequestSubject(account, p) {
			return p, body, nil
		}
	}
	return "", nil, fmt.Errorf("unknown subject; write %s, or append .urgent or .bulk", queue.RequestSubject(account, call.Normal))
}

// requestName returns the place of a request and its id, if that can be read.
func requestName(place string, n int, body []byte) string {
	name := place + " " + strconv.Itoa(n)
	if id, ok := call.ReadID(body); ok {
		name += " (" + string(id) + ")"
	}
	return name
}

func readFile(path string) ([]request, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the requests: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	requests, err := readRequests(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return requests, nil
}

// sampleRequests returns n requests of the sample, repeated as needed, with new
// ids and callees in each round.
func sampleRequests(n int) ([]request, error) {
	all, err := readRequests(bytes.NewReader(sample))
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	requests := make([]request, 0, n)
	for i := range n {
		r := all[i%len(all)]
		r.body = renumber(r.body, i/len(all), len(all))
		r.name = requestName("request", i+1, r.body)
		requests = append(requests, r)
	}
	return requests, nil
}

var (
	sampleID     = regexp.MustCompile(`dev-[a-z0-9-]+`)
	sampleCallee = regexp.MustCompile(`\+9198765\d{5}`)
	relativeTime = regexp.MustCompile(`\{\{in ([0-9a-z.]+)\}\}`)
)

// renumber changes the ids and the ordinary callees of a message for another
// round. The digits of magic callees have a meaning, so these stay; the answer
// URL, which contains the id, distinguishes their calls.
func renumber(body []byte, round, size int) []byte {
	if round == 0 {
		return body
	}
	body = sampleID.ReplaceAll(body, []byte("${0}-round-"+strconv.Itoa(round+1)))
	return sampleCallee.ReplaceAllFunc(body, func(number []byte) []byte {
		const digits = 5
		n, _ := strconv.Atoi(string(number[len(number)-digits:])) // the expression matches digits only
		return fmt.Appendf(slices.Clone(number[:len(number)-digits]), "%05d", (n+round*size)%100_000)
	})
}

// expandTimes replaces times such as {{in 3s}} of a message.
func expandTimes(body []byte, now time.Time) []byte {
	return relativeTime.ReplaceAllFunc(body, func(placeholder []byte) []byte {
		after, err := time.ParseDuration(string(relativeTime.FindSubmatch(placeholder)[1]))
		if err != nil {
			return placeholder
		}
		return []byte(now.Add(after).UTC().Format(time.RFC3339Nano))
	})
}
