package call

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
)

// Digest identifies the content of a request: equal digests mean that the
// publisher asked for the same call. It covers the publisher's own fields, before
// defaults, so that a change of configuration does not change it.
type Digest string

// A digest begins with the version of its algorithm, so that a later algorithm
// is never mistaken for other content.
const (
	fieldsDigest = "f1:"
	bytesDigest  = "b1:"
)

// digestBytes identifies a message that cannot be read as a request.
func digestBytes(data []byte) Digest {
	sum := sha256.Sum256(data)
	return bytesDigest + Digest(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// digest hashes every field but the id, each after its length, so that no two
// requests have the same input.
func (j requestJSON) digest() Digest {
	b := make([]byte, 0, 1024)
	for _, s := range []string{
		j.From, j.To, j.AppID,
		j.AnswerURL, j.AnswerMethod, j.RingURL, j.RingMethod, j.HangupURL, j.HangupMethod,
		j.NotBefore, j.ExpiresAt,
	} {
		b = appendString(b, s)
	}
	b = appendInt(b, j.RingTimeout)
	b = appendInt(b, j.CallTimeLimit)
	if len(j.Metadata) > 0 {
		for _, k := range slices.Sorted(maps.Keys(j.Metadata)) {
			b = appendString(b, k)
			b = appendString(b, j.Metadata[k])
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
