package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/configs"
)

// A key file that is gone for a moment is being replaced; one that stays away is
// complained of, without a word of the key, and the key stays.
func TestAKeyFileThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "key")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("sf_first_key_0123456789")
		k, err := newKey(configs.Account{APIKeyFile: file})
		if err != nil {
			t.Fatal(err)
		}
		var log lockedBuffer
		var changes atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() {
			k.watch(ctx, func() { changes.Add(1) }, slog.New(slog.NewTextHandler(&log, nil)))
		})
		passes := func(d time.Duration) string {
			<-time.After(d)
			synctest.Wait()
			return log.take()
		}
		for _, broken := range []func(){func() { _ = os.Remove(file) }, func() { write("") }, func() { write("two\nlines") }} {
			broken()
			if said := passes(3 * keyCheck); said != "" {
				t.Errorf("just gone: %s", said)
			}
			said := passes(2 * time.Minute)
			if n := strings.Count(said, "stays in use"); n < 3 || n > 6 || !strings.Contains(said, file) {
				t.Errorf("gone for two minutes: said %d times: %s", n, said)
			}
			if strings.Contains(said, "lines") || k.get() != "sf_first_key_0123456789" || changes.Load() != 0 {
				t.Errorf("the key is %s after %d changes; said was %s", k.get(), changes.Load(), said)
			}
			write("sf_first_key_0123456789")
			if said := passes(2 * keyCheck); !strings.Contains(said, "can be read again") {
				t.Errorf("back: %s", said)
			}
		}
		write("sf_second_key_0123456789")
		if said := passes(2 * keyCheck); said != "" || k.get() != "sf_second_key_0123456789" || changes.Load() != 1 {
			t.Errorf("the key is %s after %d changes; said was %s", k.get(), changes.Load(), said)
		}
		cancel()
		watching.Wait()
	})
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// take gives what was written since the last time.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}
