package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/bom"
)

// requestReader returns the next request of a file with its line number. io.EOF
// follows the last one, a *brokenFile ends the file early, and after any other
// error the file continues.
type requestReader func() (body []byte, line int, err error)

// brokenFile is the error of a file that cannot be read further.
type brokenFile struct{ cause error }

func (e *brokenFile) Error() string { return e.cause.Error() }

// newRequestReader reads CSV if the name ends in .csv or .tsv, else JSON lines.
// Standard input is CSV unless it begins like JSON.
func newRequestReader(in io.Reader, name string) (requestReader, error) {
	lines := &lineReader{in: bufio.NewReaderSize(bom.NewReader(in), maxLineSize)}
	first, err := lines.firstText()
	if err != nil {
		return nil, err
	}
	isJSON := strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[")
	switch name = strings.ToLower(name); {
	case name == "-" && !isJSON:
		return readCSV(lines)
	case !strings.HasSuffix(name, ".csv") && !strings.HasSuffix(name, ".tsv"):
		return readJSON(lines, first)
	case isJSON:
		return nil, errors.New("the file seems to hold JSON; its name must not end in .csv")
	default:
		return readCSV(lines)
	}
}

// readJSON reads one JSON object from each line, and skips empty lines.
func readJSON(lines *lineReader, first string) (requestReader, error) {
	switch withoutComma := strings.TrimSuffix(first, ","); {
	case strings.HasPrefix(first, "["):
		return nil, errors.New("the file is a JSON array; write one object on each line, as with: jq -c '.[]' FILE")
	case strings.HasPrefix(first, "{") && strings.ContainsAny(first[len(first)-1:], "{[:,") && !jsontext.Value(withoutComma).IsValid():
		return nil, errors.New("the first object goes over several lines; write one object on each line, as with: jq -c . FILE")
	case csvHeader([]byte(first)) != nil:
		return nil, errors.New("the file seems to be CSV; its name must end in .csv")
	}
	return func() ([]byte, int, error) {
		for {
			line, err := lines.next()
			if err != nil {
				return nil, line.number, err
			}
			text := bytes.TrimSpace(bom.Strip(line.text))
			switch {
			case line.tooLong:
				return nil, line.number, tooLong(call.MaxRequestSize, "send less metadata")
			case len(text) > 0:
				return text, line.number, nil
			}
		}
	}, nil
}

// maxLineSize bounds a line, and a CSV row that spans several.
const maxLineSize = 4 * call.MaxRequestSize

func tooLong(limit int, fix string) error {
	return &call.InvalidError{Rule: fmt.Sprintf("the line is longer than %d bytes", limit), Fix: fix}
}

// fileLine is a line with its line break.
type fileLine struct {
	text    []byte
	number  int
	tooLong bool // text is omitted
}

// lineReader reads lines of bounded size.
type lineReader struct {
	in     *bufio.Reader
	number int
	ahead  []fileLine // put back
}

// next returns the next line; io.EOF follows the last one. Any other error is a
// *brokenFile.
func (r *lineReader) next() (fileLine, error) {
	if len(r.ahead) > 0 {
		line := r.ahead[0]
		r.ahead = r.ahead[1:]
		return line, nil
	}
	line := fileLine{number: r.number + 1}
	text, err := r.in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		line.tooLong, text = true, nil
		_, err = r.in.ReadSlice('\n')
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return line, &brokenFile{err}
	case err != nil && len(text) == 0 && !line.tooLong:
		return line, io.EOF
	}
	r.number++
	line.text = slices.Clone(text)
	return line, nil
}

// unread puts lines back, in their order.
func (r *lineReader) unread(lines ...fileLine) { r.ahead = append(lines, r.ahead...) }

// firstText returns the first line that is not empty, trimmed, and puts it back.
// Empty lines before it are skipped.
func (r *lineReader) firstText() (string, error) {
	for {
		line, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return "", nil
		case err != nil:
			return "", fmt.Errorf("--file: %w", err)
		}
		if err := notText(line.text); err != nil {
			return "", err
		}
		if text := bytes.TrimSpace(line.text); len(text) > 0 || line.tooLong {
			r.unread(line)
			return string(text), nil
		}
	}
}

// notText rejects the first line of a file that is not a text file, and says what
// it seems to be.
func notText(line []byte) error {
	switch {
	case bytes.HasPrefix(line, []byte("PK\x03\x04")):
		return errors.New("the file is a spreadsheet or an archive; export it as CSV")
	case bytes.HasPrefix(line, []byte{0x1f, 0x8b}):
		return errors.New("the file is compressed; pipe it, as in: gunzip -c FILE | ringonce publish --file -")
	case bytes.IndexByte(line, 0) >= 0:
		return errors.New("the file seems to be UTF-16 without a byte order mark; save it as UTF-8")
	case bytes.IndexByte(bytes.TrimSpace(line), '\r') >= 0:
		return errors.New("the lines of the file end in carriage returns alone; save it with the line ends of Windows or Unix")
	default:
		return nil
	}
}
