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

// readFile applies the values of the file, and reports whether it could be
// parsed. Errors of single settings are added and do not stop it.
func (l *loader) readFile(data []byte) bool {
	body, line, p := parseYAML(data)
	if p != nil {
		l.add("", Source{File: l.file, Line: line}, p)
		return false
	}
	l.readSection("", body)
	return true
}

// readSection applies the keys of a section. It may be empty, so that all its
// keys can be commented out.
func (l *loader) readSection(section string, value ast.Node) {
	pairs, ok := value.(ast.MapNode)
	if !ok {
		if value != nil && value.Type() != ast.NullType {
			l.reject(section, l.source(value), &problem{"must be a mapping, without tag, anchor or alias", "indent its keys on the lines below it, as key: value"})
		}
		return
	}
	seen := map[string]int{}
	for pair := pairs.MapRange(); pair.Next(); {
		name, source := pair.Key().GetToken().Value, l.source(pair.Key())
		key := strings.TrimPrefix(section+"."+quoteUnlessPlain(name), ".")
		if first, duplicate := seen[name]; duplicate {
			l.add(key, source, &problem{fmt.Sprintf("duplicates the key on line %d", first), "remove one of the two"})
			continue
		}
		seen[name] = source.Line
		if section == "accounts" {
			l.sources[key] = source
			l.addAccount(name)
		}
		switch text, p := l.settings[key].yamlText(pair.Value()); {
		case l.settings[key].key != "" && p != nil:
			l.reject(key, source, p)
		case l.settings[key].key != "":
			l.set(key, source, text)
		case key == "accounts" || section == "accounts" || len(l.keysIn(key)) > 0:
			l.readSection(key, pair.Value())
		default:
			l.add(key, source, &problem{"unknown key", l.suggestKey(section, name)})
		}
	}
}

// suggestKey returns the fix for an unknown key.
func (l *loader) suggestKey(section, name string) string {
	known := l.keysIn(section)
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	for _, key := range l.knownKeys() {
		if strings.HasSuffix("."+key, "."+name) {
			return "did you mean " + key + "? Each dot is one level of indentation"
		}
	}
	return "the valid keys here are " + strings.Join(known, ", ")
}

// keysIn returns the keys that are valid directly in a section.
func (l *loader) keysIn(section string) []string {
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

// yamlText returns the text of a setting's value, which may be a YAML list if the
// setting is one.
func (s setting) yamlText(value ast.Node) (string, *problem) {
	sequence, isSequence := value.(*ast.SequenceNode)
	if _, isList := s.target.(*[]string); !isList || !isSequence {
		return scalarText(value)
	}
	var list []string
	for _, entry := range sequence.Values {
		text, p := scalarText(entry)
		if p != nil {
			return "", p
		}
		list = append(list, text)
	}
	return formatList(list), nil
}

// scalarText returns a single value as written: an API key of digits is not
// parsed as a number.
func scalarText(value ast.Node) (string, *problem) {
	switch value := value.(type) {
	case nil, *ast.NullNode:
		return "", &problem{"has no value", `set one or remove the line; "" is the empty string`}
	case *ast.StringNode:
		return value.Value, nil
	case *ast.LiteralNode:
		return value.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return value.GetToken().Value, nil
	default:
		return "", &problem{"must be a single value, not a list, mapping, tag, anchor or alias", "write it after the key, on the same line; quote it if it begins with a special character"}
	}
}

func (l *loader) source(node ast.Node) Source {
	return Source{File: l.file, Line: lineOf(node.GetToken())}
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

// tabIndented matches a line with a tab in its indentation. YAML forbids them,
// and the parser's own message does not help.
var tabIndented = regexp.MustCompile(`^ *\t\s*[^\s#]`)

// parseYAML returns the root node of a file, nil if it is empty, or a problem with
// its line; line 0 is the file as a whole.
func parseYAML(data []byte) (ast.Node, int, *problem) {
	if len(data) > maxFileSize {
		return nil, 0, &problem{fmt.Sprintf("the file is larger than %d bytes", maxFileSize), "is this the right file?"}
	}
	if isUTF16(data) {
		return nil, 1, &problem{"the file is UTF-16", "save it as UTF-8"}
	}
	data = bom.Strip(data)
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		if !utf8.Valid(line) {
			return nil, i + 1, &problem{"the file is not UTF-8", "save it as UTF-8"}
		}
		if tabIndented.Match(line) {
			return nil, i + 1, &problem{"the line is indented with a tab", "indent with spaces"}
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
			return nil, lineOf(t), &problem{fmt.Sprintf("the file has more than %d tokens, or more than %d levels of brackets", maxTokens, maxNesting), "is this the right file?"}
		}
	}
	// The parser would stop at the first duplicate key; readSection reports all.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, p := syntaxProblem(err)
		if line > 0 && line <= len(lines) && unexpanded.Match(lines[line-1]) {
			p.fix = "replace the placeholder in this line; placeholders are not expanded"
		}
		return nil, line, p
	}
	var body ast.Node
	for _, document := range file.Docs {
		if document.Body != nil && body != nil {
			return nil, lineOf(document.Body.GetToken()), &problem{"a second document begins here", "write one document, without directives"}
		}
		if document.Body != nil {
			body = document.Body
		}
	}
	if _, ok := body.(ast.MapNode); !ok && body != nil {
		return nil, lineOf(body.GetToken()), &problem{"the file must be a mapping", "write lines like shutdown_grace: 45s"}
	}
	return body, 0, nil
}

// syntaxProblem returns the parser's error without any of the file's text, which
// may be a secret.
func syntaxProblem(err error) (int, *problem) {
	p := &problem{"the file is not valid YAML", "check indentation and quotes of this line and its neighbours; quote a value that begins with a special character"}
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return 0, p
	}
	message, _, _ := strings.Cut(syntax.GetMessage(), `"`)
	p.rule += ": " + strings.TrimRight(message, ": ")
	return lineOf(syntax.GetToken()), p
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}$`)

// quoteUnlessPlain quotes a name from outside that could break its line.
func quoteUnlessPlain(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return quote(name)
}
