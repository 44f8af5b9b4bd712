package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringonce/ringonce/call"
)

// csvFile reads requests from rows under a header of field names. Each row is
// parsed by itself, so that a misplaced quote affects only its row.
type csvFile struct {
	lines     *lineReader
	separator rune
	header    []string // empty for a column without a name
}

func readCSV(lines *lineReader) (requestReader, error) {
	f := &csvFile{lines: lines, separator: ','}
	first, err := lines.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; its first row must name the fields, such as id,from,to,answer_url,metadata.patient")
	}
	if declared, ok := strings.CutPrefix(string(bytes.TrimSpace(first.text)), "sep="); ok && utf8.RuneCountInString(declared) == 1 {
		f.separator, _ = utf8.DecodeRuneInString(declared)
		first, err = lines.next()
	} else if found := csvHeader(first.text); found != nil {
		f.separator, f.header = found.separator, found.names
		return f.next, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the header row: %w", err)
	}
	if f.header, err = parseRow(first.text, f.separator); err != nil {
		return nil, fmt.Errorf("read the header row: %w; it must name the fields, such as id,from,to,answer_url,metadata.patient", err)
	}
	return f.next, f.checkHeader()
}

// header is a header row and its separator.
type header struct {
	separator rune
	names     []string
}

// csvHeader parses a header row: only field names, with one of the usual
// separators. It returns nil for any other line.
func csvHeader(line []byte) *header {
	for _, separator := range ",;\t|" {
		f := csvFile{separator: separator}
		var err error
		f.header, err = parseRow(line, separator)
		if err == nil && f.checkHeader() == nil && slices.ContainsFunc(f.header, notEmpty) {
			return &header{separator, f.header}
		}
	}
	return nil
}

// checkHeader rejects columns that are not fields of a request. Columns without a
// name are skipped: spreadsheets add some at the end.
func (f *csvFile) checkHeader() error {
	for i, name := range f.header {
		name = strings.TrimSpace(name)
		f.header[i] = name
		switch {
		case name == "":
		case !new(requestFields).known(name):
			return fmt.Errorf("column %d, %s, is not a field of a request%s; the first row names the fields, metadata as metadata.<key>",
				i+1, call.MaskText(strconv.QuoteToASCII(name)), suggestField(name))
		case slices.Contains(f.header[:i], name):
			return fmt.Errorf("column %d, %q, is a duplicate; remove it", i+1, name)
		}
	}
	return nil
}

func notEmpty(cell string) bool { return cell != "" }

// suggestField suggests the field that a column name resembles, such as "From" or
// "Answer URL".
func suggestField(name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '_'
		case !unicode.IsGraphic(r):
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	if new(requestFields).known(plain) {
		return fmt.Sprintf(" (did you mean %q?)", plain)
	}
	return ""
}

// next returns the request of the next row that is not empty.
func (f *csvFile) next() ([]byte, int, error) {
	for {
		cells, line, err := f.row()
		if err != nil {
			return nil, line, err
		}
		if !slices.ContainsFunc(cells, notEmpty) {
			continue
		}
		body, err := f.request(cells)
		return body, line, err
	}
}

// request builds the request of a row. An empty cell omits its field.
func (f *csvFile) request(cells []string) ([]byte, error) {
	for len(cells) > len(f.header) && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) != len(f.header) {
		return nil, fmt.Errorf("the row has %d cells and the header %d; quote cells that hold a separator", len(cells), len(f.header))
	}
	var r requestFields
	for i, name := range f.header {
		cell := cells[i]
		if name == "" {
			if cell != "" {
				return nil, fmt.Errorf("column %d has no name in the header; name its field, or empty it", i+1)
			}
			continue
		}
		if !strings.HasPrefix(name, metadataPrefix) {
			cell = strings.Trim(cell, " \t\r\n")
		}
		if err := r.set(name, cell); err != nil {
			return nil, err
		}
	}
	return r.encode()
}

// row returns the cells of the next row. A quoted cell may span lines. A row that
// cannot be parsed consumes no other line.
func (f *csvFile) row() (cells []string, line int, err error) {
	first, err := f.lines.next()
	switch {
	case err != nil:
		return nil, first.number, err
	case first.tooLong:
		return nil, first.number, tooLong(maxLineSize, "give each call a row of its own")
	}
	if cells, err = parseRow(first.text, f.separator); err == nil {
		return cells, first.number, nil
	}
	if errors.Is(err, csv.ErrQuote) && openQuote(first.text) {
		if cells, ok := f.joined(first); ok {
			return cells, first.number, nil
		}
		return nil, first.number, errors.New(`a quoted cell is not closed; end it with ", and double the quotes inside it`)
	}
	return nil, first.number, errors.New(`misplaced quote inside a cell; quote the whole cell, and double the quotes inside it ("5"" screen")`)
}

// joined reads the further lines of a row whose first line does not close a cell.
// If they are not a row, it puts them back.
func (f *csvFile) joined(first fileLine) (cells []string, ok bool) {
	text := slices.Clone(first.text)
	var taken []fileLine
	defer func() {
		if !ok {
			f.lines.unread(taken...)
		}
	}()
	for {
		line, err := f.lines.next()
		if err != nil { // it comes again at the next line
			return nil, false
		}
		taken = append(taken, line)
		text = append(text, line.text...)
		if line.tooLong || len(text) > maxLineSize {
			return nil, false
		}
		if openQuote(line.text) {
			cells, err = parseRow(text, f.separator)
			return cells, err == nil
		}
	}
}

// openQuote reports whether a line has an odd number of quotes: it opens a cell
// that it does not close, or closes one.
func openQuote(line []byte) bool { return bytes.Count(line, []byte(`"`))%2 == 1 }

// parseRow splits one row into its cells.
func parseRow(text []byte, separator rune) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator
	r.TrimLeadingSpace = separator != '\t'
	cells, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return nil, parse.Err
	}
	return cells, err
}
