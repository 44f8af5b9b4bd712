package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/configs"
)

const (
	// keyPollInterval is how often a key file is read.
	keyPollInterval = 2 * time.Second
	// maxKeyMisses is the number of failures in a row before one is logged: a file
	// that is being replaced is back at the next read.
	maxKeyMisses = 5
)

// key is the API key of an account. One that comes from a file is read again
// when the file changes.
type key struct {
	account configs.Account
	current atomic.Pointer[configs.Secret]

	// For the goroutine of watch alone:
	misses   int // failures in a row
	throttle logThrottle
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

// watch calls onRotated when the file holds another key, until ctx ends.
func (k *key) watch(ctx context.Context, onRotated func(), log *slog.Logger) {
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
			onRotated()
		}
	}
}

// poll reads the file, and reports whether it holds another key. While the file
// cannot be read the key stays, and the failure is logged: a worker started now
// would have no key.
func (k *key) poll(log *slog.Logger) (changed bool) {
	secret, err := k.account.ReadKey()
	if err != nil {
		if k.misses++; k.misses >= maxKeyMisses && k.throttle.allow() {
			log.Error("cannot read the key file; using the key read before", "error", err)
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
