package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// wire is a connection to the broker by which as many messages as one likes
// leave in one write, and nothing is done that need not be. It speaks as much of
// the NATS protocol as the loop in batches needs
// (https://docs.nats.io/reference/reference-protocols/nats-protocol).
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
}

// frame is a message that came.
type frame struct {
	subject, reply string
	body           []byte
}

// dialWire connects, and subscribes to what follows an inbox.
func dialWire(ctx context.Context, natsURL, inbox string) (*wire, error) {
	u, err := url.Parse(natsURL)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	fmt.Fprintf(&w.out, "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nSUB %s* 1\r\n", inbox)
	return w, w.flush()
}

// publish has a message leave with the next flush. Without a header it takes none.
func (w *wire) publish(subject, reply, header string, body []byte) {
	if header == "" {
		fmt.Fprintf(&w.out, "PUB %s %s %d\r\n", subject, reply, len(body))
	} else {
		fmt.Fprintf(&w.out, "HPUB %s %s %d %d\r\n%s", subject, reply, len(header), len(header)+len(body), header)
	}
	w.out.Write(body)
	w.out.WriteString("\r\n")
}

func (w *wire) flush() error {
	_, err := w.conn.Write(w.out.Bytes())
	w.out.Reset()
	return err
}

// next waits for a message.
func (w *wire) next() (frame, error) {
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			return frame{}, err
		}
		fields := strings.Fields(line)
		switch fields[0] {
		case "PING":
			w.out.WriteString("PONG\r\n") // leaves with what is sent next
		case "-ERR":
			return frame{}, fmt.Errorf("the broker says %s", strings.TrimSpace(line))
		case "MSG": // subject, subscription, perhaps whom to answer, size
			return w.read(fields[1:len(fields)-1], "0", fields[len(fields)-1])
		case "HMSG": // the same, and the size of the header before the whole
			return w.read(fields[1:len(fields)-2], fields[len(fields)-2], fields[len(fields)-1])
		}
	}
}

func (w *wire) read(names []string, header, whole string) (frame, error) {
	skip, err := strconv.Atoi(header)
	if err != nil {
		return frame{}, err
	}
	size, err := strconv.Atoi(whole)
	if err != nil {
		return frame{}, err
	}
	data := make([]byte, size+len("\r\n"))
	if _, err := io.ReadFull(w.in, data); err != nil {
		return frame{}, err
	}
	f := frame{subject: names[0], body: data[skip:size]}
	if len(names) > 2 {
		f.reply = names[2]
	}
	return f, nil
}
