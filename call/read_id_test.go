package call_test

import (
	"strings"
	"testing"

	"github.com/ringonce/ringonce/call"
)

func TestReadID(t *testing.T) {
	tests := []struct {
		name, data string
		want       call.ID // empty: there is none to be read
	}{
		{"a good request", `{"id":"a","from":"+919876543210"}`, "a"},
		{"id behind an unknown field", `{"x":{"id":"b"},"id":"a"}`, "a"},
		{"escaped", `{"\u0069d":"\u0061"}`, "a"},
		{"broken behind the id", `{"id":"a","from":`, "a"},
		{"rubbish behind the id", `{"id":"a"}}}`, "a"},
		{"duplicate names before the id", `{"x":1,"x":2,"id":"a"}`, "a"},
		{"invalid UTF-8 before the id", "{\"x\":\"\xff\",\"id\":\"a\"}", "a"},
		{"two ids: the first", `{"id":"a","id":"b"}`, "a"},
		{"nested only", `{"metadata":{"id":"a"}}`, ""},
		{"in an array", `[{"id":"a"}]`, ""},
		{"wrong case", `{"ID":"a"}`, ""},
		{"number", `{"id":1}`, ""},
		{"null", `{"id":null}`, ""},
		{"object", `{"id":{"id":"a"}}`, ""},
		{"empty", `{"id":""}`, ""},
		{"not an id", `{"id":"a.b"}`, ""},
		{"of ours", `{"id":"=1-a"}`, ""},
		{"invalid UTF-8 in the id", "{\"id\":\"a\xff\"}", ""},
		{"broken before the id", `{"x":,"id":"a"}`, ""},
		{"cut in the id", `{"id":"a`, ""},
		{"none", `{}`, ""},
		{"nothing", ``, ""},
		{"string", `"id"`, ""},
		{"deep", `{"x":` + strings.Repeat("[", 12000) + `,"id":"a"}`, ""},
		{"over 16 KiB", `{"id":"a"}` + strings.Repeat(" ", call.MaxRequestSize), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id, ok := call.ReadID([]byte(test.data))
			if id != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %t, want %q", id, ok, test.want)
			}
		})
	}
}
