package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
		var log bytes.Buffer
		changes := 0
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() {
			k.watch(ctx, func() { changes++ }, slog.New(slog.NewTextHandler(&log, nil)))
		})
		passes := func(d time.Duration) string {
			<-time.After(d)
			synctest.Wait()
			said := log.String()
			log.Reset()
			return said
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
			if strings.Contains(said, "lines") || k.get() != "sf_first_key_0123456789" || changes != 0 {
				t.Errorf("the key is %s after %d changes; said was %s", k.get(), changes, said)
			}
			write("sf_first_key_0123456789")
			if said := passes(2 * keyCheck); !strings.Contains(said, "can be read again") {
				t.Errorf("back: %s", said)
			}
		}
		write("sf_second_key_0123456789")
		if said := passes(2 * keyCheck); said != "" || k.get() != "sf_second_key_0123456789" || changes != 1 {
			t.Errorf("the key is %s after %d changes; said was %s", k.get(), changes, said)
		}
		cancel()
		watching.Wait()
	})
}
