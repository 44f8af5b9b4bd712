package call

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// tagged is a record without its methods: it is encoded by its tags.
type tagged Record

// The encoding written by hand is the one that the tags describe, whatever the
// record holds. A field that is added to the record and forgotten in its
// encoding shows here.
func TestEncodeMatchesTheTags(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 2000 {
		var r Record
		if n > 0 {
			fill(reflect.ValueOf(&r).Elem(), random)
		}
		want, err := json.Marshal(tagged(r))
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Encode()
		if err != nil || string(got) != string(want) {
			t.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	}
}

// fill sets every field in turn to something, or to nothing.
func fill(v reflect.Value, random *rand.Rand) {
	texts := []string{"", "plain", `quo"ted\`, "<&>", "\u2028 line", "nul \x00", "é 号 😀", "tab\t"}
	if random.IntN(4) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int:
		v.SetInt(random.Int64N(1000) - 10)
	case reflect.Uint64:
		v.SetUint(random.Uint64())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		n := random.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), random)
		}
	case reflect.Uint8:
		v.SetUint(random.Uint64N(256))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(random.Int64N(1<<33), random.Int64N(1e9)).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), random)
		}
	default:
		panic(fmt.Sprintf("a record holds a %s, which is not encoded", v.Kind()))
	}
}

func TestEncodeErrors(t *testing.T) {
	for name, r := range map[string]Record{
		"a text that is no UTF-8":   {Message: "\xff"},
		"a time that is out of all": {NextAt: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := r.Encode(); err == nil {
			t.Error(name)
		}
		if _, err := json.Marshal(tagged(r)); err == nil {
			t.Error(name, "as the tags say")
		}
	}
}

func BenchmarkEncodeRecord(b *testing.B) {
	now := time.Now().UTC()
	r := Record{
		Format: recordFormat, Account: "default", ID: "bench-4711", Digest: "f1:" + "0123456789012345678901234567890123456789012",
		Origin: Origin{Sequence: 4711, Published: now}, Priority: Normal, State: StatePlaced, Changed: now, Since: now, Made: 1,
		Request:     []byte(`{"from":"+918045678901","to":"+919876543210","answer_url":"https://publisher.example/answer?token=0123456789abcdef"}`),
		Attempts:    []Attempt{{N: 1, Worker: "host-4711", Nonce: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", ClaimedAt: now, EndedAt: now, Class: Placed, Reason: Accepted, Status: 201, RequestUUID: "sfv_ob_req_a8k3m2x9p1z0", Spent: true}},
		RequestUUID: "sfv_ob_req_a8k3m2x9p1z0",
	}
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by its tags", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(tagged(r)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
