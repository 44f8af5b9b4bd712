package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/configs"
)

// keyCheck is how often a key file is looked at.
const keyCheck = 2 * time.Second

// key is the API key of an account. One that comes from a file is read again
// when the file changes.
type key struct {
	account configs.Account
	current atomic.Pointer[configs.Secret]
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

// watch tells changed when the file holds another key. A file that cannot be
// read just now, as while it is being replaced, leaves the key as it is.
func (k *key) watch(ctx context.Context, changed func()) {
	if k.account.APIKeyFile == "" {
		return
	}
	tick := time.NewTicker(keyCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		secret, err := k.account.ReadKey()
		if err == nil && secret.Reveal() != k.get() {
			k.current.Store(&secret)
			changed()
		}
	}
}
