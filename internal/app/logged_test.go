package app

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/sfvopi"
)

func TestOutOfFileDescriptorsIsLoggedAtIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := sfvopi.NewClient(sfvopi.Config{
			BaseURL: "http://provider", Key: func() string { return "k" },
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		p := &loggedProvider{Client: client, log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 61 {
			p.Place(t.Context(), call.Request{}, call.Deadline{From: time.Now(), For: time.Minute})
			<-time.After(time.Second)
		}
		if n := strings.Count(log.String(), "out of file descriptors"); n != 3 {
			t.Errorf("logged %d times in a minute: %s", n, log.String())
		}
	})
}
