package call

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// malformed describes what the decoder rejected, without repeating any value.
func malformed(data []byte, err error) *InvalidError {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return malformedField(semantic.JSONPointer, "is not a field of a request", correctName(semantic.JSONPointer))
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic) && syntactic.JSONPointer.Parent() != "":
		return malformedField(syntactic.JSONPointer, "holds a name twice", "give every name once")
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic):
		return malformedField(syntactic.JSONPointer, "stands there twice", "give it once")
	case errors.As(err, &semantic) && semantic.JSONPointer == "":
		return notAnObject(data)
	case errors.As(err, &semantic):
		return malformedField(semantic.JSONPointer, "has the wrong type",
			"numbers are sent as integers, everything else as strings, metadata as an object of strings")
	case errors.As(err, &syntactic):
		return notJSON(data, syntactic)
	default:
		return notAnObject(data)
	}
}

// notJSON names the likely cause of text that is not JSON.
func notJSON(data []byte, err *jsontext.SyntacticError) *InvalidError {
	refused := &InvalidError{
		Reason: Malformed, Rule: fmt.Sprintf("the request is not valid JSON in UTF-8 at byte %d", err.ByteOffset),
		Fix: "send one JSON object and nothing else",
	}
	rest := bytes.TrimLeft(data[min(err.ByteOffset, int64(len(data))):], " \t\r\n")
	switch {
	case bytes.IndexByte(data, 0) >= 0:
		refused.Fix = "it seems to be UTF-16; send UTF-8"
	case !utf8.Valid(data):
		refused.Fix = "it is in another encoding, such as Windows-1252; send UTF-8"
	case errors.Is(err, io.ErrUnexpectedEOF):
		refused.Fix = "the object is not closed; send all of it on one line"
	case bytes.HasPrefix(rest, []byte("{")):
		refused.Fix = "another object follows the first; send each by itself"
	case bytes.Equal(bytes.TrimSpace(rest), []byte(",")):
		refused.Fix = "leave out the comma behind the object"
	case bytes.HasPrefix(rest, []byte("'")), bytes.HasPrefix(rest, []byte("“")):
		refused.Fix = `quote names and texts with "`
	default:
		if r, found := findInvisible(string(rest[:min(len(rest), utf8.UTFMax)])); found {
			refused.Fix = fmt.Sprintf("delete the invisible character %U", r)
		}
	}
	return refused
}

func notAnObject(data []byte) *InvalidError {
	refused := &InvalidError{Reason: Malformed, Rule: "the request is not a JSON object", Fix: "send one JSON object with the documented fields"}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		refused.Rule, refused.Fix = "the request is a JSON array", "send each of its objects by itself"
	}
	return refused
}

func correctName(p jsontext.Pointer) string {
	if r, found := findInvisible(p.LastToken()); found {
		return fmt.Sprintf("delete the invisible character %U from its name", r)
	}
	return "correct its name (lower case) or leave it out"
}

func malformedField(p jsontext.Pointer, rule, fix string) *InvalidError {
	return &InvalidError{Reason: Malformed, Field: fieldName(p), Rule: rule, Fix: fix}
}

const maxFieldName = 160 // bytes of an unexpected name

// fieldName returns the top-level name of a pointer, masked: it is the
// publisher's text.
func fieldName(p jsontext.Pointer) string {
	for name := range p.Tokens() {
		if name = sanitize(MaskText(name), maxFieldName); name != "" {
			return name
		}
		break
	}
	return "a nameless field"
}
