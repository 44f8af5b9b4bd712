package configs

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/ringonce/ringonce/internal/bom"
)

// Bounds on a configuration file. The parser's work grows with the square of
// the nesting and of the number of tokens; a key with its value is three, so
// 600 accounts with every key set stay below maxTokens.
const (
	maxFileSize = 1 << 20
	maxTokens   = 30_000
	maxNesting  = 16
)

// readFile applies what the file says. It reports whether the file could be
// read at all; mistakes in single settings are noted and do not stop it.
func (l *loader) readFile(data []byte) bool {
	body, line, f := parseYAML(data)
	if f != nil {
		l.note("", Origin{File: l.file, Line: line}, f)
		return false
	}
	l.readSection("", body)
	return true
}

// readSection applies the keys of a section. An empty one is allowed, so that
// all keys in it can be commented out.
func (l *loader) readSection(section string, value ast.Node) {
	pairs, ok := value.(ast.MapNode)
	if !ok {
		if value != nil && value.Type() != ast.NullType {
			l.refuse(section, l.at(value), &fault{"must hold keys with values: no text, list, tag, anchor or alias", "indent its keys on the lines below it, as key: value"})
		}
		return
	}
	seen := map[string]int{}
	for pair := pairs.MapRange(); pair.Next(); {
		name, at := pair.Key().GetToken().Value, l.at(pair.Key())
		key := strings.TrimPrefix(section+"."+plainOrQuoted(name), ".")
		if first, twice := seen[name]; twice {
			l.note(key, at, &fault{fmt.Sprintf("is given twice, first at line %d", first), "remove one of the two"})
			continue
		}
		seen[name] = at.Line
		if section == "accounts" {
			l.origins[key] = at
			l.addAccount(name)
		}
		switch text, f := l.settings[key].read(pair.Value()); {
		case l.settings[key].key != "" && f != nil:
			l.refuse(key, at, f)
		case l.settings[key].key != "":
			l.set(key, at, text)
		case key == "accounts" || section == "accounts" || len(l.names(key)) > 0:
			l.readSection(key, pair.Value())
		default:
			l.note(key, at, &fault{"there is no such key", l.meant(section, name)})
		}
	}
}

// meant is the fix for a key that does not exist.
func (l *loader) meant(section, name string) string {
	known := l.names(section)
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	for _, key := range l.possibleKeys() {
		if strings.HasSuffix("."+key, "."+name) {
			return "did you mean " + key + "? Each dot is a deeper indentation"
		}
	}
	return "the keys here are " + strings.Join(known, ", ")
}

// names are the keys that may stand directly in a section.
func (l *loader) names(section string) []string {
	var names []string
	for _, key := range append(slices.Clone(l.keys), "accounts") {
		if rest, ok := strings.CutPrefix("."+key, strings.TrimSuffix("."+section, ".")+"."); ok {
			name, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// read is the text of a setting's value: a list may stand as one in YAML.
func (s setting) read(value ast.Node) (string, *fault) {
	sequence, isSequence := value.(*ast.SequenceNode)
	if _, isList := s.target.(*[]string); !isList || !isSequence {
		return scalarText(value)
	}
	var list []string
	for _, entry := range sequence.Values {
		text, f := scalarText(entry)
		if f != nil {
			return "", f
		}
		list = append(list, text)
	}
	return listText(list), nil
}

// scalarText is the text of a single value just as it was written: an API key
// of digits stays what it is.
func scalarText(value ast.Node) (string, *fault) {
	switch value := value.(type) {
	case nil, *ast.NullNode:
		return "", &fault{"has no value", `give one or remove the line; "" is the empty text`}
	case *ast.StringNode:
		return value.Value, nil
	case *ast.LiteralNode:
		return value.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return value.GetToken().Value, nil
	default:
		return "", &fault{"must be a single value: no list, keys, tag, anchor or alias", "write it after the key, on the same line; quote it if it begins with a sign"}
	}
}

func (l *loader) at(node ast.Node) Origin { return Origin{File: l.file, Line: lineOf(node.GetToken())} }

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

// tabIndented is a line with a tab in its indentation. YAML forbids them, and
// the parser's own words for it do not help.
var tabIndented = regexp.MustCompile(`^ *\t\s*[^\s#]`)

// parseYAML turns the bytes of a file into the node that it holds; nil for one
// that holds nothing. A fault stands at a line; 0 is the file as a whole.
func parseYAML(data []byte) (ast.Node, int, *fault) {
	if len(data) > maxFileSize {
		return nil, 0, &fault{fmt.Sprintf("the file is larger than %d bytes", maxFileSize), "is this the right file?"}
	}
	if isUTF16(data) {
		return nil, 1, &fault{"the file is UTF-16", "save it as UTF-8"}
	}
	data = bom.Strip(data)
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		if !utf8.Valid(line) {
			return nil, i + 1, &fault{"the file is not UTF-8", "save it as UTF-8"}
		}
		if tabIndented.Match(line) {
			return nil, i + 1, &fault{"the line is indented with a tab", "indent with spaces"}
		}
	}
	tokens := lexer.Tokenize(string(data))
	count, nesting := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.CommentType:
			continue
		case token.MappingStartType, token.SequenceStartType:
			nesting++
		case token.MappingEndType, token.SequenceEndType:
			nesting--
		}
		if count++; count > maxTokens || nesting > maxNesting {
			return nil, lineOf(t), &fault{fmt.Sprintf("the file holds more than %d words and signs, or more than %d brackets in each other", maxTokens, maxNesting), "is this the right file?"}
		}
	}
	// Duplicate keys are let through here, because the parser would stop at
	// the first; readSection refuses all of them.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, f := syntaxFault(err)
		if line > 0 && line <= len(lines) && unexpanded.Match(lines[line-1]) {
			f.fix = "replace the placeholder in this line: nothing is expanded here"
		}
		return nil, line, f
	}
	var body ast.Node
	for _, document := range file.Docs {
		if document.Body != nil && body != nil {
			return nil, lineOf(document.Body.GetToken()), &fault{"a second document begins here", "keep everything in one document, without directives"}
		}
		if document.Body != nil {
			body = document.Body
		}
	}
	if _, ok := body.(ast.MapNode); !ok && body != nil {
		return nil, lineOf(body.GetToken()), &fault{"the file must hold keys with values", "write lines like shutdown_grace: 45s"}
	}
	return body, 0, nil
}

// syntaxFault is the parser's error without anything of the file's text in it:
// the text may be a secret.
func syntaxFault(err error) (int, *fault) {
	f := &fault{"the file is not YAML", "check the indentation and the quotes of this line and of its neighbours; quote a value that begins with a sign"}
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return 0, f
	}
	message, _, _ := strings.Cut(syntax.GetMessage(), `"`)
	f.rule += ": " + strings.TrimRight(message, ": ")
	return lineOf(syntax.GetToken()), f
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}$`)

// plainOrQuoted keeps a name from outside from breaking the line it is shown on.
func plainOrQuoted(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return quote(name)
}
