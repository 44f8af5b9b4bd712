package bom_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ringonce/ringonce/internal/bom"
)

func TestNewReader(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"no mark", "id,from\n", "id,from\n"},
		{"not UTF-8, no mark", "caf\xe9", "caf\xe9"},
		{"one byte", "a", "a"},
		{"UTF-8", "\xef\xbb\xbfid", "id"},
		{"mark alone", "\xef\xbb\xbf", ""},
		{"part of a mark", "\xef\xbb", "\xef\xbb"},
		{"mark inside", "id\ufeff", "id\ufeff"},
		{"UTF-16, little endian", "\xff\xfei\x00d\x00\xe9\x00", "idé"},
		{"UTF-16, big endian", "\xfe\xff\x00i\x00d", "id"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(test.in), iotest.OneByteReader(strings.NewReader(test.in))} {
				got, err := io.ReadAll(bom.NewReader(r))
				if err != nil || string(got) != test.want {
					t.Errorf("got %q, %v; want %q", got, err, test.want)
				}
			}
		})
	}
}

func TestStrip(t *testing.T) {
	for in, want := range map[string]string{"": "", "key": "key", "\ufeffkey": "key", "\ufeff\ufeffkey": "\ufeffkey", "\xef\xbb": "\xef\xbb"} {
		if got := string(bom.Strip([]byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
