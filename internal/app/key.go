package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/configs"
)

const (
	// keyPollInterval is how often a key file is looked at.
	keyPollInterval = 2 * time.Second
	// maxKeyMisses is how many looks in a row may fail before that is said: a file
	// that is being replaced is back at the next.
	maxKeyMisses = 5
)

// key is the API key of an account. One that comes from a file is read again
// when the file changes.
type key struct {
	account configs.Account
	current atomic.Pointer[configs.Secret]

	// Those below belong to whoever looks.
	misses int // looks in a row
	loud   logThrottle
}

func newKey(a configs.Account) (*key, error) {
	k := &key{account: a}
	secret, err := a.ReadKey()
	if err != nil {
		return nil, err
	}
	k.current.Store(&secret)
	return k, nil
}

func (k *key) get() string { return k.current.Load().Reveal() }

// watch tells changed when the file holds another key.
func (k *key) watch(ctx context.Context, changed func(), log *slog.Logger) {
	if k.account.APIKeyFile == "" {
		return
	}
	tick := time.NewTicker(keyPollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if k.poll(log) {
			changed()
		}
	}
}

// poll reads the file, and reports whether it holds another key. A file that
// cannot be read leaves the key as it is, and is complained of if it stays so: a
// worker that is started now would not have the key.
func (k *key) poll(log *slog.Logger) (changed bool) {
	secret, err := k.account.ReadKey()
	if err != nil {
		if k.misses++; k.misses >= maxKeyMisses && k.loud.allow() {
			log.Error("the key that was read before stays in use", "error", err)
		}
		return false
	}
	if k.misses >= maxKeyMisses {
		log.Info("the key file can be read again")
	}
	k.misses = 0
	changed = secret.Reveal() != k.get()
	k.current.Store(&secret)
	return changed
}
