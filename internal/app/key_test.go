package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/configs"
)

// A key file that is missing for a moment is being replaced; one that stays missing
// is logged, without the key, and the key stays.
func TestMissingKeyFileKeepsTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const first, second = "sf_first_key_0123456789", "sf_second_key_0123456789"
		file := filepath.Join(t.TempDir(), "key")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(first)
		k, err := newKey(configs.Account{APIKeyFile: file})
		if err != nil {
			t.Fatal(err)
		}
		changes := 0
		looks := func(times int) (said string) {
			var log bytes.Buffer
			for range times {
				<-time.After(keyPollInterval)
				if k.poll(slog.New(slog.NewTextHandler(&log, nil))) {
					changes++
				}
			}
			return log.String()
		}
		for _, broken := range []func(){func() { _ = os.Remove(file) }, func() { write("") }, func() { write("two\nlines") }} {
			broken()
			if said := looks(maxKeyMisses - 1); said != "" {
				t.Errorf("just gone: %s", said)
			}
			said := looks(60) // two minutes
			if n := strings.Count(said, "using the key read before"); n < 3 || n > 5 || !strings.Contains(said, file) {
				t.Errorf("gone for two minutes: said %d times: %s", n, said)
			}
			if strings.Contains(said, "lines") || k.get() != first || changes != 0 {
				t.Errorf("the key is %s after %d changes; said was %s", k.get(), changes, said)
			}
			write(first)
			if said := looks(2); strings.Count(said, "can be read again") != 1 {
				t.Errorf("back: %s", said)
			}
		}
		write(second)
		if said := looks(2); said != "" || k.get() != second || changes != 1 {
			t.Errorf("the key is %s after %d changes; said was %s", k.get(), changes, said)
		}
	})
}
