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

// lenient is how JSON from the provider is read: duplicate names and broken
// text harm nothing in fields that nobody needs.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// content is what the body of an answer says.
type content struct {
	requestUUID string // of data, clean and bounded; empty without one
	enveloped   bool   // a JSON object with a message that is a string
	message     string // that string
	// contradicts: the body names a call, gives two messages, or has bytes
	// behind its JSON, so it proves nothing else.
	contradicts bool
}

// readContent reads a body. What is no JSON is text.
func readContent(body []byte) content {
	body = withoutMark(body)
	if len(body) == 0 || (body[0] != '{' && body[0] != '[') {
		return content{contradicts: pageNamesCall(body)}
	}
	w := walker{Decoder: jsontext.NewDecoder(bytes.NewBuffer(body), lenient)}
	w.value(0, "")
	if w.err != nil {
		return content{contradicts: pageNamesCall(body)}
	}
	if len(bytes.TrimSpace(body[w.InputOffset():])) > 0 {
		w.contradicts = true
	}
	return w.content
}

// walker goes through one JSON value. What it found counts if err is nil.
type walker struct {
	*jsontext.Decoder
	content
	err error
}

// value reads one value, and reports whether it says nothing. depth counts the
// objects and arrays around it; parent is the name of the one next to it.
func (w *walker) value(depth int, parent string) (empty bool) {
	token := w.token()
	switch token.Kind() {
	case '{':
		empty = w.PeekKind() == '}'
		for w.err == nil && w.PeekKind() != '}' {
			w.member(depth+1, parent, w.token().String())
		}
		w.token()
		return empty
	case '[':
		empty = w.PeekKind() == ']'
		for w.err == nil && w.PeekKind() != ']' {
			w.value(depth+1, "")
		}
		w.token()
		return empty
	case '"':
		text := token.String()
		w.contradicts = w.contradicts || namesCall(text)
		return strings.TrimSpace(text) == ""
	default:
		return token.Kind() == 'n' || token.Kind() == 'f'
	}
}

func (w *walker) token() jsontext.Token {
	token, err := w.ReadToken()
	if w.err == nil {
		w.err = err
	}
	return token
}

// member reads the value of a member of an object.
func (w *walker) member(depth int, parent, name string) {
	switch {
	case depth == 1 && name == "message" && w.PeekKind() == '"':
		text := w.token().String()
		w.contradicts = w.contradicts || namesCall(text) || (w.enveloped && text != w.message)
		w.enveloped, w.message = true, text
	case depth == 2 && parent == "data" && name == "request_uuid":
		value, err := w.ReadValue()
		if err != nil {
			w.err = err
			return
		}
		if uuid := uuidText(value); uuid != "" {
			w.requestUUID, w.contradicts = uuid, true
		}
	default:
		empty := w.value(depth, name)
		names := (depth == 1 && name == "data") || isUUIDName(name)
		w.contradicts = w.contradicts || (names && !empty)
	}
}

// uuidText is the provider's name for a call, whatever its type, bounded and
// without what cannot be seen, for it goes into records and logs.
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

// callName is text that names a call: in HTML, XML, a query, or JSON that is
// broken or stands inside a string.
var callName = regexp.MustCompile(`(?i)(?:request|call)[_-]?uuid[\\"']{0,3}\s{0,3}[:=>]\s{0,3}[\\"']{0,3}([\w-]+)`)

func namesCall(text string) bool {
	if !strings.Contains(strings.ToLower(text), "uuid") {
		return false // the expression costs more than all else of an answer
	}
	for _, found := range callName.FindAllStringSubmatch(text, -1) {
		if value := strings.ToLower(found[1]); value != "null" && value != "undefined" {
			return true
		}
	}
	return false
}

// pageNamesCall looks into a body that is no JSON, which may hold HTML's
// entities, or be UTF-16.
func pageNamesCall(body []byte) bool {
	return namesCall(html.UnescapeString(string(bytes.ReplaceAll(body, []byte{0}, nil))))
}

// withoutMark leaves out a byte order mark and the blanks around.
func withoutMark(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}
