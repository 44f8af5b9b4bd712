package cli

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

// devAccount is the one account of `ringonce dev`.
const devAccount call.Account = "default"

const (
	maxDevCalls = 100_000
	maxDevLine  = 512 << 10 // what the stream takes
)

//go:embed samples/dev.txt
var devSample []byte

// devRequest is one message to be published.
type devRequest struct {
	name     string // for the report: where it stands, and its id if it has one
	priority call.Priority
	body     []byte
}

// readDevRequests reads one message from every line that is neither empty nor a
// comment (#). A line is the message; one that begins with a subject of the
// account and a space is published there.
func readDevRequests(r io.Reader) ([]devRequest, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxDevLine)
	var requests []devRequest
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		if len(requests) == maxDevCalls {
			return nil, fmt.Errorf("line %d: at most %d requests are published; split the file", n, maxDevCalls)
		}
		priority, body, err := splitSubject(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		requests = append(requests, devRequest{
			name: devName("line", n, body), priority: priority, body: bytes.Clone(body),
		})
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: it has %d bytes or more; a request has at most %d", n+1, maxDevLine, call.MaxRequestSize)
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, lines.Err())
	}
	if len(requests) == 0 {
		return nil, errors.New("there is no request in it; write one JSON object per line")
	}
	return requests, nil
}

// splitSubject takes the subject off a line that has one.
func splitSubject(line []byte) (call.Priority, []byte, error) {
	if !bytes.HasPrefix(line, []byte("calls.requests.")) {
		return call.Normal, line, nil
	}
	subject, body, _ := bytes.Cut(line, []byte(" "))
	for _, p := range call.Priorities() {
		if string(subject) == queue.RequestSubject(devAccount, p) {
			return p, body, nil
		}
	}
	return "", nil, fmt.Errorf("the subject is not served here; write %s, or add .urgent or .bulk to it", queue.RequestSubject(devAccount, call.Normal))
}

// devName says where a request stands and, if it can be read, its id.
func devName(where string, n int, body []byte) string {
	name := where + " " + strconv.Itoa(n)
	if id, ok := call.ReadID(body); ok {
		name += " (" + string(id) + ")"
	}
	return name
}

// readDevFile reads the requests of a file.
func readDevFile(path string) ([]devRequest, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the requests: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from; nothing can be lost
	requests, err := readDevRequests(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return requests, nil
}

// sampleRequests gives n requests of the sample's mix: its first ones, or all of
// it again and again, each time with ids and callees of their own.
func sampleRequests(n int) ([]devRequest, error) {
	sample, err := readDevRequests(bytes.NewReader(devSample))
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	requests := make([]devRequest, 0, n)
	for i := range n {
		round, request := i/len(sample), sample[i%len(sample)]
		request.body = again(request.body, round, len(sample))
		request.name = devName("request", i+1, request.body)
		requests = append(requests, request)
	}
	return requests, nil
}

var (
	sampleID     = regexp.MustCompile(`dev-[a-z0-9-]+`)
	sampleCallee = regexp.MustCompile(`\+9198765\d{5}`)
	relativeTime = regexp.MustCompile(`\{\{in ([0-9a-z.]+)\}\}`)
)

// again changes the ids and the ordinary callees of a sample's message for
// another round. Magic callees stay: their digits mean something, and the answer
// URL, which holds the id, tells the calls apart.
func again(body []byte, round, size int) []byte {
	if round == 0 {
		return body
	}
	body = sampleID.ReplaceAll(body, []byte("${0}-round-"+strconv.Itoa(round+1)))
	return sampleCallee.ReplaceAllFunc(body, func(number []byte) []byte {
		const digits = 5
		own, _ := strconv.Atoi(string(number[len(number)-digits:])) // the expression matches digits alone
		return fmt.Appendf(slices.Clone(number[:len(number)-digits]), "%05d", (own+round*size)%100_000)
	})
}

// atTime fills in the times that a message gives as {{in 3s}}.
func atTime(body []byte, now time.Time) []byte {
	return relativeTime.ReplaceAllFunc(body, func(placeholder []byte) []byte {
		after, err := time.ParseDuration(string(relativeTime.FindSubmatch(placeholder)[1]))
		if err != nil {
			return placeholder
		}
		return []byte(now.Add(after).UTC().Format(time.RFC3339Nano))
	})
}
