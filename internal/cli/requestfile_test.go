package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/ringonce/ringonce/call"
)

const goodRequest = `{"id":"c1","from":"+912071531001","to":"+919812345678","answer_url":"https://publisher.example/a"}`

func goodRow(id string) string {
	return id + ",+912071531001,+919812345678,https://publisher.example/a"
}

// batchOf publishes a file into a list.
func batchOf(t *testing.T, name string, content []byte, change func(*publishing)) (ids []string, output string, err error) {
	t.Helper()
	var out bytes.Buffer
	var mu sync.Mutex
	p := &publishing{
		rules: publishRules{numbers: call.PossibleNumbers, maxAge: 24 * time.Hour}, account: "default", out: &out, err: &out,
		publish: func(_ context.Context, body []byte) error {
			request, _, err := call.DecodeRequest(body, call.PossibleNumbers)
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, string(request.ID))
			return err
		},
	}
	if change != nil {
		change(p)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := openRequests(file, nil)
	if err == nil {
		err = p.publishFile(t.Context(), opened)
	}
	return ids, out.String(), err
}

func utf16Bytes(s, mark string) []byte {
	b := []byte(mark)
	for _, unit := range utf16.Encode([]rune(s)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return b
}

// Files as common programs write them are read, or rejected with the cause; an
// invalid row affects no other.
func TestPublishFileFormats(t *testing.T) {
	const header = "id,from,to,answer_url"
	rows := func(lines ...string) []byte { return []byte(strings.Join(lines, "\n")) }
	tests := []struct {
		name, file string
		content    []byte
		published  int
		says       string // in what is printed or in the error
	}{
		{"JSON lines", "f.jsonl", rows(goodRequest, strings.Replace(goodRequest, "c1", "c2", 1), ""), 2, "2 requests published"},
		{"byte order mark", "f.jsonl", rows("\ufeff" + goodRequest), 1, "0 rejected"},
		{"two files in one, each with its mark", "f.jsonl", rows("\ufeff"+goodRequest, "\ufeff"+strings.Replace(goodRequest, "c1", "c2", 1)), 2, "0 rejected"},
		{"UTF-16", "f.jsonl", utf16Bytes(goodRequest, "\xff\xfe"), 1, "0 rejected"},
		{"UTF-16 without a mark", "f.jsonl", utf16Bytes(goodRequest, ""), 0, "the file seems to be UTF-16"},
		{"line ends of an old Macintosh", "f.csv", []byte(header + "\r" + goodRow("c1") + "\r"), 0, "end in carriage returns alone"},
		{"a spreadsheet's own format", "f.csv", []byte("PK\x03\x04\x14\x00\x06"), 0, "export it as CSV"},
		{"compressed", "f.jsonl", []byte("\x1f\x8b\x08\x00\x00\n"), 0, "gunzip -c"},
		{"Windows line ends", "f.jsonl", []byte(goodRequest + "\r\n\r\n"), 1, "0 rejected"},
		{"array", "f.json", rows("[", goodRequest, "]"), 0, "jq -c '.[]'"},
		{"array on one line", "f.json", rows("[" + goodRequest + "]"), 0, "jq -c '.[]'"},
		{"array behind empty lines and a mark", "f.json", rows("\ufeff", "", "["+goodRequest+"]"), 0, "jq -c '.[]'"},
		{"objects over several lines", "f.json", []byte("{\n  \"id\": \"c1\"\n}\n"), 0, "jq -c ."},
		{"objects over several lines, begun on the first", "f.json", []byte("{ \"id\": \"c1\",\n  \"from\": \"+912071531001\" }\n"), 0, "jq -c ."},
		{"objects behind each other", "f.jsonl", rows(goodRequest + goodRequest), 0, "another object follows the first"},
		{"commas behind the objects", "f.jsonl", rows(goodRequest+",", strings.Replace(goodRequest, "c1", "c2", 1)), 1, "line 1: the request is not valid JSON in UTF-8 at byte 98; leave out the comma"},
		{"CSV under another name", "f.txt", rows(header, goodRow("c1")), 0, "its name must end in .csv"},
		{"a line that is too long", "f.jsonl", rows(strings.Repeat("x", maxLineSize+1), goodRequest), 1, "line 1: the line is longer than"},
		{"empty", "f.jsonl", nil, 0, "0 requests published, 0 rejected"},

		{"CSV", "f.csv", rows(header, goodRow("c1"), goodRow("c2"), ""), 2, "0 rejected"},
		{"CSV in capitals", "F.CSV", rows(header, goodRow("c1")), 1, "0 rejected"},
		{"mark and quoted header", "f.csv", rows("\ufeff\"id\",\"from\",\"to\",\"answer_url\"", goodRow("c1")), 1, "0 rejected"},
		{"UTF-16 from a spreadsheet", "f.csv", utf16Bytes(strings.ReplaceAll(header+"\r\n"+goodRow("c1"), ",", "\t"), "\xff\xfe"), 1, "0 rejected"},
		{"semicolons", "f.csv", rows(strings.ReplaceAll(header, ",", ";"), strings.ReplaceAll(goodRow("c1"), ",", ";")), 1, "0 rejected"},
		{"tabs", "f.tsv", rows(strings.ReplaceAll(header, ",", "\t"), strings.ReplaceAll(goodRow("c1"), ",", "\t")), 1, "0 rejected"},
		{"tabs and an empty cell", "f.csv", rows("id\tring_timeout\tfrom\tto\tanswer_url", "c1\t\t+912071531001\t+919812345678\thttps://p.example/a"), 1, "0 rejected"},
		{"declared separator", "f.csv", rows("sep=;", strings.ReplaceAll(header, ",", ";"), strings.ReplaceAll(goodRow("c1"), ",", ";")), 1, "0 rejected"},
		{"spaces around cells", "f.csv", rows("id, from, to, answer_url", `c1, "+912071531001" , +919812345678 ,https://p.example/a`), 0, "line 2: misplaced quote inside a cell"},
		{"spaces before cells", "f.csv", rows("id, from, to, answer_url", "c1, +912071531001, +919812345678 ,https://p.example/a"), 1, "0 rejected"},
		{"empty rows and columns behind", "f.csv", rows(header+",,", goodRow("c1")+",,", ",,,,,", "", goodRow("c2")+",,,,"), 2, "0 rejected"},
		{"a column without a name", "f.csv", rows(header+",", goodRow("c1")+",x", goodRow("c2")+","), 1, "line 2: column 5 has no name in the header"},
		{"bare quote", "f.csv", rows(header+",metadata.n", goodRow("c1")+",a", goodRow("c2")+`,5" screen`, goodRow("c3")+",b"), 2, "line 3: misplaced quote inside a cell"},
		{"quote in a quoted cell", "f.csv", rows(header+",metadata.n", goodRow("c1")+`,"5" screen"`, goodRow("c2")+",b"), 1, "line 2: a quote"},
		{"quote that is not closed", "f.csv", rows(header+",metadata.n", goodRow("c1")+`,"a`, goodRow("c2")+",b", goodRow("c3")+",c"), 2, "line 2: a quoted cell is not closed"},
		{"two quotes that are not closed", "f.csv", rows(header+",metadata.n", goodRow("c1")+`,"a`, goodRow("c2")+",b", goodRow("c3")+`,"c`, goodRow("c4")+",d"), 2, "line 4: a quoted cell is not closed"},
		{"a cell over several lines", "f.csv", rows(header+",metadata.n", goodRow("c1")+",\"a", "b", "c\"", goodRow("c2")+",d"), 2, "0 rejected"},
		{"too few cells", "f.csv", rows(header, "c1,+912071531001", goodRow("c2")), 1, "line 2: the row has 2 cells and the header 4"},
		{"a column in capitals", "f.csv", rows("ID,From,To,Answer URL", goodRow("c1")), 0, `(did you mean "id"?)`},
		{"invisible character in a column's name", "f.csv", rows("id\u200b,from,to,answer_url", goodRow("c1")), 0, `column 1, "id\u200b", is not a field of a request (did you mean "id"?)`},
		{"no header", "f.csv", rows(goodRow("c1"), goodRow("c2")), 0, "the first row names the fields"},
		{"JSON under the name of CSV", "f.csv", rows(goodRequest), 0, "its name must not end in .csv"},
		{"Windows-1252", "f.csv", rows(header+",metadata.n", goodRow("c1")+",Andr\xe9", goodRow("c2")+",b"), 1, "line 2: metadata.n is not UTF-8; convert it"},
		{"rounded number", "f.csv", rows(header, "c1,+912071531001,9.19812E+11,https://p.example/a", goodRow("c2")), 1, "line 2: to must be exactly one number in E.164 form; a spreadsheet rounded it"},
		{"empty CSV", "f.csv", nil, 0, "the file is empty"},
		{"header alone", "f.csv", rows(header), 0, "0 requests published, 0 rejected"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ids, output, err := batchOf(t, test.file, test.content, nil)
			if said := fmt.Sprint(output, err); len(ids) != test.published || !strings.Contains(said, test.says) {
				t.Errorf("%d published, want %d, and %q in:\n%s", len(ids), test.published, test.says, said)
			}
			if strings.Contains(fmt.Sprint(output, err), "9812345678") {
				t.Errorf("a number is printed:\n%s%v", output, err)
			}
		})
	}
}

func TestPublishFileNotes(t *testing.T) {
	twice := goodRequest + "\n" + goodRequest + "\n"
	conflict := goodRequest + "\n" + strings.Replace(goodRequest, "5678", "5679", 1) + "\n"
	noURL := `{"id":"c1","from":"+912071531001","to":"+919812345678"}` + "\n"
	tests := []struct{ name, content, says string }{
		{"the same request twice", twice, "note: line 2: duplicates line 1; the call is dialled once"},
		{"an id twice", conflict, "line 2: id duplicates line 1, which is a different request"},
		{"no answer URL", noURL + strings.Replace(noURL, "c1", "c2", 1), "note: 2 requests without an answer_url, the first in line 1; it is dialled only if accounts.default.defaults.answer_url"},
		{"country code twice", strings.Replace(goodRequest, "+9198", "+919198", 1), "note: line 1: to is in no assigned range"},
		{"every mistake", `{"id":"c1","from":"1","to":"2","answer_url":"x"}`, "line 1: answer_url must be an http or https URL"},
	}
	for _, dry := range []bool{false, true} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, dry %t", test.name, dry), func(t *testing.T) {
				_, output, err := batchOf(t, "f.jsonl", []byte(test.content), func(p *publishing) { p.dry = dry })
				if !strings.Contains(output, test.says) {
					t.Errorf("got:\n%s%v\nwant %q", output, err, test.says)
				}
			})
		}
	}
	many := strings.Repeat(goodRequest+"\n", maxNotes+4)
	if _, output, _ := batchOf(t, "f.jsonl", []byte(many), nil); strings.Count(output, "note: line") != maxNotes || !strings.Contains(output, "note: 3 notes more like these") {
		t.Errorf("the notes are not bounded:\n%s", output)
	}
}

func TestPublishFileGeneratesIDs(t *testing.T) {
	tests := map[string]string{
		"none":      `{"from":"+912071531001","to":"+919812345678"}`,
		"empty":     `{"id":"","from":"+912071531001","to":"+919812345678"}`,
		"null":      `{"id":null,"from":"+912071531001","to":"+919812345678"}`,
		"with mark": "\ufeff" + `{ "from":"+912071531001","to":"+919812345678"}`,
	}
	for name, line := range tests {
		t.Run(name, func(t *testing.T) {
			ids, output, err := batchOf(t, "f.jsonl", []byte(line), func(p *publishing) { p.makeIDs = true })
			if err != nil || len(ids) != 1 || !strings.HasPrefix(ids[0], "cli-") {
				t.Errorf("published %q, %v\n%s", ids, err, output)
			}
		})
	}
}

// Many requests are in flight at once, for a slow connection to the broker.
func TestPublishFilePublishesConcurrently(t *testing.T) {
	var content strings.Builder
	for i := range maxPublishing {
		content.WriteString(strings.Replace(goodRequest, "c1", fmt.Sprint("c", i), 1) + "\n")
	}
	var sent sync.WaitGroup
	sent.Add(maxPublishing)
	_, output, err := batchOf(t, "f.jsonl", []byte(content.String()), func(p *publishing) {
		p.publish = func(context.Context, []byte) error {
			sent.Done()
			sent.Wait() // for all the others
			return nil
		}
	})
	if err != nil || !strings.Contains(output, "128 requests published, 0 rejected") {
		t.Errorf("%v\n%s", err, output)
	}
}

// A failed publish ends the file, after the requests in flight.
func TestPublishFileStopsAtAnError(t *testing.T) {
	content := strings.Repeat(goodRequest+"\n", 10*maxPublishing)
	errFull := errors.New("the stream is full")
	var tried sync.Map
	_, output, err := batchOf(t, "f.jsonl", []byte(content), func(p *publishing) {
		p.err = io.Discard
		p.publish = func(ctx context.Context, _ []byte) error {
			if _, again := tried.LoadOrStore("first", true); !again {
				return errFull
			}
			<-ctx.Done()
			return ctx.Err()
		}
	})
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "publish the file again") || !strings.Contains(output, "0 requests published") {
		t.Errorf("%v\n%s", err, output)
	}
}
