package queue

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// ErrNKey reports that the NKey cannot be used.
var ErrNKey = errors.New("read the NKey")

var errNKeyReplaced = errors.New("the NKey was replaced; connecting again with the new one")

// nkey authenticates by the key pair that is read when the connection is made.
type nkey struct {
	read   func() (nkeys.KeyPair, error)
	public string // that the client sends
	conn   atomic.Pointer[nats.Conn]
}

func newNKey(read func() (nkeys.KeyPair, error)) (*nkey, error) {
	k := &nkey{read: read}
	pair, public, err := k.pair()
	if err != nil {
		return nil, err
	}
	pair.Wipe()
	k.public = public
	return k, nil
}

func (k *nkey) pair() (nkeys.KeyPair, string, error) {
	pair, err := k.read()
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrNKey, err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrNKey, err)
	}
	return pair, public, nil
}

// sign proves that we have the key. It is called while the client connects, and
// holds its lock. The client has put the public key into its message by then, so
// a replaced key is used at the next attempt.
func (k *nkey) sign(nonce []byte) ([]byte, error) {
	pair, public, err := k.pair()
	if err != nil {
		return nil, err
	}
	defer pair.Wipe()
	if public != k.public {
		if nc := k.conn.Load(); nc != nil {
			k.public, nc.Opts.Nkey = public, public
		}
		return nil, errNKeyReplaced
	}
	return pair.Sign(nonce)
}
