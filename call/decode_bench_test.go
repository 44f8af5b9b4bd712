package call_test

import (
	"testing"

	"github.com/ringonce/ringonce/call"
)

func BenchmarkDecodeRequest(b *testing.B) {
	for _, callee := range []struct{ name, to string }{
		{"India", "+919812345678"},
		{"US", "+14155552671"},
		{"Canada", "+16045550123"},
		{"Italy", "+390612345678"},
		{"unassigned", "+911000000000"},
	} {
		data := []byte(`{"id":"order-1","from":"+919876543210","to":"` + callee.to + `","answer_url":"https://example.com/hook?token=abc",` +
			`"ring_timeout":30,"metadata":{"order":"1"}}`)
		b.Run(callee.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := call.DecodeRequest(data, call.PossibleNumbers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
