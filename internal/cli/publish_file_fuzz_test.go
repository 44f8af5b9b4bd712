package cli

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// Any file is read to its end or fails, and each request that it returns is valid
// and has an id.
func FuzzRequestFile(f *testing.F) {
	f.Add([]byte("id,from,to\nc1,+912071531001,+919812345678\n"), true, false)
	f.Add([]byte("\"id\",from,to\n\"c1,+912071531001"), true, false)
	f.Add([]byte("id,metadata.a\nc1\nc2,b,c\n"), true, false)
	f.Add([]byte(`{"from":"+912071531001","to":"+919812345678"}`), false, true)
	f.Add([]byte(`{"id":"","from":"+912071531001","to":"+919812345678"}`), false, true)
	f.Add([]byte("{}\n\n{\"id\":\"c1\"\r\n"), false, true)
	f.Add(bytes.Repeat([]byte("x"), call.MaxRequestSize+1), false, false)
	f.Fuzz(func(t *testing.T, data []byte, isCSV, makeIDs bool) {
		p := &publishing{rules: publishRules{numbers: call.PossibleNumbers, maxAge: 24 * time.Hour}, makeIDs: makeIDs}
		name := "calls.jsonl"
		if isCSV {
			name = "calls.csv"
		}
		read, err := newRequestReader(bytes.NewReader(data), name)
		if err != nil {
			return
		}
		for range len(data) + 2 {
			body, line, err := read()
			var broken *brokenFile
			if errors.Is(err, io.EOF) || errors.As(err, &broken) {
				return
			}
			if err != nil {
				continue
			}
			if line < 1 {
				t.Errorf("line %d", line)
			}
			batch := &fileBatch{publishing: p, seen: seenIDs{}, notes: notes{out: io.Discard}}
			body, err = batch.checkLine(body, line)
			if err != nil {
				continue
			}
			request, _, err := call.DecodeRequest(body, call.PossibleNumbers)
			if err != nil || request.ID == "" {
				t.Errorf("%q would be published: id %q, %v", body, request.ID, err)
			}
		}
		t.Error("it does not come to an end")
	})
}
