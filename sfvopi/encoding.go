package sfvopi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

var errEncoding = errors.New("the answer is in a coding that cannot be undone")

var gzipMagic = []byte{0x1f, 0x8b}

// decodeBody undoes gzip, which was not requested and may lack its header. It reads
// at most limit bytes. A body that cannot be decoded is returned unchanged, with the
// error.
func decodeBody(body []byte, header http.Header, limit int64) ([]byte, error) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(header.Values("Content-Encoding"), ",")))
	switch coding {
	case "gzip", "x-gzip":
	case "", "identity":
		if !bytes.HasPrefix(body, gzipMagic) {
			return body, nil
		}
	default:
		if len(body) > 0 {
			return body, fmt.Errorf("%w: %.40q", errEncoding, coding)
		}
	}
	if len(body) == 0 {
		return body, nil
	}
	unzip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body, fmt.Errorf("%w: %w", errEncoding, err)
	}
	text, err := io.ReadAll(io.LimitReader(unzip, limit+1))
	switch {
	case int64(len(text)) > limit:
		return text[:limit], errTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF):
		return text, err
	case err != nil:
		return body, fmt.Errorf("%w: %w", errEncoding, err)
	}
	return text, nil
}
