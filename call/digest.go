package call

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
)

// Digest names the content of a request: equal digests mean that the publisher
// asked for the same call. It is taken from the publisher's own fields, before
// any default, so that a change of configuration makes no two requests differ.
type Digest string

// The version stands in front, so that a later way of hashing is never taken
// for another content by mistake.
const (
	fieldsDigest = "f1:"
	bytesDigest  = "b1:"
)

// digestBytes names a message that cannot be read as a request.
func digestBytes(data []byte) Digest {
	sum := sha256.Sum256(data)
	return bytesDigest + Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// digest hashes every field but the id, each with its length in front, so that
// no two requests share one input.
func (w wire) digest() Digest {
	h := sha256.New()
	for _, s := range []string{
		w.From, w.To, w.AppID,
		w.AnswerURL, w.AnswerMethod, w.RingURL, w.RingMethod, w.HangupURL, w.HangupMethod,
		w.NotBefore, w.ExpiresAt,
	} {
		hashString(h, s)
	}
	hashInt(h, w.RingTimeout)
	hashInt(h, w.CallTimeLimit)
	for _, k := range slices.Sorted(maps.Keys(w.Metadata)) {
		hashString(h, k)
		hashString(h, w.Metadata[k])
	}
	return fieldsDigest + Digest(base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

// hash.Hash never returns an error from Write.
func hashString(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	_, _ = h.Write(n[:])
	_, _ = h.Write([]byte(s))
}

func hashInt(h hash.Hash, v *int) {
	if v == nil {
		hashString(h, "")
		return
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(*v)) //nolint:gosec // any bijection serves
	hashString(h, string(n[:]))
}
