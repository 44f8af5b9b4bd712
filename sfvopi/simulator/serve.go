package simulator

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

// readHeaderTimeout bounds how long a client may take to send its headers.
const readHeaderTimeout = 10 * time.Second

// Serve serves on the listener until ctx is cancelled, then closes simulator and
// server, giving calls in flight and open answers up to grace. It returns nil
// after such a stop, and owns the listener.
func (s *Simulator) Serve(ctx context.Context, listener net.Listener, grace time.Duration, errorLog *log.Logger) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: readHeaderTimeout, ErrorLog: errorLog}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()

	var failed error
	select {
	case err := <-stopped:
		failed = fmt.Errorf("serve the simulator: %w", err)
		stopped <- err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	failed = errors.Join(failed, s.Close(bounded))
	if err := server.Shutdown(bounded); err != nil {
		failed = errors.Join(failed, fmt.Errorf("shut the simulator's server down: %w", err), server.Close())
	}
	<-stopped //nolint:errcheck // it has been looked at
	return failed
}
