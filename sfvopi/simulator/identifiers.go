package simulator

import "sync/atomic"

// identifiers makes request_uuids and call_uuids: unique within one simulator,
// and different from those of one started at another time with another seed.
type identifiers struct {
	seed uint64
	last atomic.Uint64
}

const (
	requestPrefix = "sfv_ob_req_"
	appPrefix     = "sfv_app_"
	callPrefix    = "sfv_call_"
	alphabet      = "0123456789abcdefghijklmnopqrstuvwxyz"
	idLength      = 12
)

func (i *identifiers) next(prefix string) string {
	value := mix(i.seed + i.last.Add(1))
	text := make([]byte, len(prefix)+idLength)
	copy(text, prefix)
	for at := len(prefix); at < len(text); at++ {
		text[at] = alphabet[value%uint64(len(alphabet))]
		value /= uint64(len(alphabet))
	}
	return string(text)
}

// mix is the finaliser of splitmix64: a bijection that spreads a counter over
// all 64 bits.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
