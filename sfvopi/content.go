package sfvopi

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient accepts duplicate names and broken text in JSON from the provider: they
// are harmless in fields that are not used.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// content is what the body of a response says.
type content struct {
	requestUUID string // data.request_uuid, sanitized and bounded; empty without one
	enveloped   bool   // a JSON object with a message that is a string
	message     string // that string
	// contradicts: the body names a call, has two messages, or has bytes after
	// its JSON, so it proves nothing else.
	contradicts bool
}

// readContent reads a body, which is JSON or text.
func readContent(body []byte) content {
	body = trimBOM(body)
	if len(body) == 0 || (body[0] != '{' && body[0] != '[') {
		return content{contradicts: pageNamesCall(body)}
	}
	w := contentReader{Decoder: jsontext.NewDecoder(bytes.NewBuffer(body), lenient)}
	w.value(0, "")
	if w.err != nil {
		return content{contradicts: pageNamesCall(body)}
	}
	if len(bytes.TrimSpace(body[w.InputOffset():])) > 0 {
		w.contradicts = true
	}
	return w.content
}

// contentReader reads one JSON value. Its content is valid if err is nil.
type contentReader struct {
	*jsontext.Decoder
	content
	err error
}

// value reads one value, and reports whether it is empty. depth counts the objects
// and arrays around it; parent is the name of the innermost one.
func (r *contentReader) value(depth int, parent string) (empty bool) {
	token := r.token()
	switch token.Kind() {
	case '{':
		empty = r.PeekKind() == '}'
		for r.err == nil && r.PeekKind() != '}' {
			r.member(depth+1, parent, r.token().String())
		}
		r.token()
		return empty
	case '[':
		empty = r.PeekKind() == ']'
		for r.err == nil && r.PeekKind() != ']' {
			r.value(depth+1, "")
		}
		r.token()
		return empty
	case '"':
		text := token.String()
		r.contradicts = r.contradicts || namesCall(text)
		return strings.TrimSpace(text) == ""
	default:
		return token.Kind() == 'n' || token.Kind() == 'f'
	}
}

func (r *contentReader) token() jsontext.Token {
	token, err := r.ReadToken()
	if r.err == nil {
		r.err = err
	}
	return token
}

// member reads the value of a member of an object.
func (r *contentReader) member(depth int, parent, name string) {
	switch {
	case depth == 1 && name == "message" && r.PeekKind() == '"':
		text := r.token().String()
		r.contradicts = r.contradicts || namesCall(text) || (r.enveloped && text != r.message)
		r.enveloped, r.message = true, text
	case depth == 2 && parent == "data" && name == "request_uuid":
		value, err := r.ReadValue()
		if err != nil {
			r.err = err
			return
		}
		if uuid := uuidText(value); uuid != "" {
			r.requestUUID, r.contradicts = uuid, true
		}
	default:
		empty := r.value(depth, name)
		names := (depth == 1 && name == "data") || isUUIDName(name)
		r.contradicts = r.contradicts || (names && !empty)
	}
}

// uuidText returns the provider's id of a call, whatever its type, bounded and
// without invisible characters, because records and logs hold it.
func uuidText(value jsontext.Value) string {
	value = value.Clone()
	text := string(value)
	switch value.Kind() {
	case '"':
		if json.Unmarshal(value, &text, lenient) != nil {
			return ""
		}
	case 'n', 'f':
		return ""
	case '{', '[':
		if value.Compact() == nil {
			text = string(value)
		}
		if text == "{}" || text == "[]" {
			return ""
		}
	default:
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), maxRequestUUID)], "")
}

var separators = strings.NewReplacer("_", "", "-", "")

// isUUIDName reports whether a member names a call, in any spelling.
func isUUIDName(name string) bool {
	switch strings.ToLower(separators.Replace(name)) {
	case "requestuuid", "calluuid":
		return true
	default:
		return false
	}
}

// callNamePattern matches text that names a call: in HTML, XML, a query, or JSON
// that is broken or inside a string.
var callNamePattern = regexp.MustCompile(`(?i)(?:request|call)[_-]?uuid[\\"']{0,3}\s{0,3}[:=>]\s{0,3}[\\"']{0,3}([\w-]+)`)

func namesCall(text string) bool {
	if !strings.Contains(strings.ToLower(text), "uuid") {
		return false // the pattern costs more than the rest of a response
	}
	for _, found := range callNamePattern.FindAllStringSubmatch(text, -1) {
		if value := strings.ToLower(found[1]); value != "null" && value != "undefined" {
			return true
		}
	}
	return false
}

// pageNamesCall searches a body that is not JSON, which may hold HTML entities or
// be UTF-16.
func pageNamesCall(body []byte) bool {
	return namesCall(html.UnescapeString(string(bytes.ReplaceAll(body, []byte{0}, nil))))
}

// trimBOM removes a byte order mark and surrounding space.
func trimBOM(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}
