// Package bom reads text that begins with a byte order mark, as Windows and
// spreadsheets write it. The mark names an encoding and is no part of the text.
package bom

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

var utf8Mark = []byte("\ufeff")

// Strip returns the text without the mark of UTF-8.
func Strip(text []byte) []byte { return bytes.TrimPrefix(text, utf8Mark) }

// NewReader returns a reader of the text behind the mark, as UTF-8. Text that
// its mark declares as UTF-16 is converted; text without a mark stays as it is.
func NewReader(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.BOMOverride(transform.Nop))
}
