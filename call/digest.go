package call

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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
	b := make([]byte, 0, 1024)
	for _, s := range []string{
		w.From, w.To, w.AppID,
		w.AnswerURL, w.AnswerMethod, w.RingURL, w.RingMethod, w.HangupURL, w.HangupMethod,
		w.NotBefore, w.ExpiresAt,
	} {
		b = appendString(b, s)
	}
	b = appendInt(b, w.RingTimeout)
	b = appendInt(b, w.CallTimeLimit)
	if len(w.Metadata) > 0 {
		for _, k := range slices.Sorted(maps.Keys(w.Metadata)) {
			b = appendString(b, k)
			b = appendString(b, w.Metadata[k])
		}
	}
	sum := sha256.Sum256(b)
	return fieldsDigest + Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

func appendInt(b []byte, v *int) []byte {
	if v == nil {
		return appendString(b, "")
	}
	b = binary.BigEndian.AppendUint64(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(*v)) //nolint:gosec // any bijection serves
}
