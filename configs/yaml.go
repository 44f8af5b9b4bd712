package configs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on a configuration file. The parser's work grows with the square of
// the nesting and of the number of tokens; a key with its value is three, so
// 600 accounts with every key set stay below maxTokens.
const (
	maxFileSize = 1 << 20
	maxTokens   = 30_000
	maxNesting  = 16
)

// lineFault is a fault at a line of the file; 0 is the file as a whole.
type lineFault struct {
	line int
	fault
}

// parseYAML turns the bytes of a file into the mapping that it holds; nil for
// one that holds nothing. The subset of YAML is what a configuration needs:
// mappings and scalars. Everything else is refused by name, before the parser
// has to bear it.
func parseYAML(data []byte) (ast.Node, *lineFault) {
	if len(data) > maxFileSize {
		return nil, &lineFault{0, fault{fmt.Sprintf("the file is larger than %d bytes", maxFileSize), "is this the right file?"}}
	}
	if line, ok := firstInvalidLine(data); !ok {
		return nil, &lineFault{line, fault{"the file is not UTF-8", "save it as UTF-8"}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if line := tabIndented(data); line > 0 {
		return nil, &lineFault{line, fault{"the line is indented with a tab", "indent with spaces"}}
	}

	tokens := lexer.Tokenize(string(data))
	if f := refuseTokens(tokens); f != nil {
		return nil, f
	}
	// Duplicate keys are let through here, because the parser would stop at
	// the first; readSection refuses all of them.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxFault(err)
	}
	var body ast.Node
	for _, document := range file.Docs {
		if document.Body == nil {
			continue
		}
		if body != nil {
			return nil, &lineFault{lineOf(document.Body), fault{"a second document begins here", "keep everything in one document"}}
		}
		body = document.Body
	}
	return body, nil
}

// refuseTokens refuses what no configuration needs.
func refuseTokens(tokens token.Tokens) *lineFault {
	count, nesting := 0, 0
	for _, t := range tokens {
		if t.Type != token.CommentType {
			count++
		}
		if count > maxTokens {
			return &lineFault{t.Position.Line, fault{fmt.Sprintf("the file holds more than %d words and signs", maxTokens), "is this the right file?"}}
		}
		var f fault
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			f = fault{"anchors, aliases and merge keys are not supported", "write the value out; quote it if it begins with & or *"}
		case token.TagType:
			f = fault{"tags are not supported", "remove the tag; quote the value if it begins with !"}
		case token.DirectiveType:
			f = fault{"directives are not supported", "remove the line; quote the value if it begins with %"}
		case token.SequenceEntryType, token.SequenceStartType:
			f = fault{"no setting is a list", "write a single value; quote it if it begins with [ or -"}
		case token.MappingKeyType:
			f = fault{"keys are plain names", "write key: value; quote the value if it begins with ?"}
		case token.MappingStartType:
			if nesting++; nesting <= maxNesting {
				continue
			}
			f = fault{"is nested too deeply", "no key lies so deep"}
		case token.MappingEndType:
			nesting--
			continue
		default:
			continue
		}
		return &lineFault{t.Position.Line, f}
	}
	return nil
}

// syntaxFault is the parser's error without anything of the file's text in it:
// the text may be a secret.
func syntaxFault(err error) *lineFault {
	fix := "check the indentation and the quotes of this line and of its neighbours"
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return &lineFault{0, fault{"the file is not YAML", fix}}
	}
	line := 0
	if t := syntax.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	message, _, _ := strings.Cut(syntax.GetMessage(), `"`)
	message = strings.TrimRight(message, ": ")
	return &lineFault{line, fault{"the file is not YAML: " + message, fix}}
}

// tabIndented is the first line whose indentation holds a tab, or 0. YAML
// forbids them, and the parser's own words for it help nobody.
func tabIndented(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		text := bytes.TrimLeft(line, " \t")
		indent := line[:len(line)-len(text)]
		blank := len(bytes.TrimSpace(text)) == 0 || text[0] == '#'
		if !blank && bytes.ContainsRune(indent, '\t') {
			return i + 1
		}
	}
	return 0
}

func firstInvalidLine(data []byte) (line int, valid bool) {
	if utf8.Valid(data) {
		return 0, true
	}
	for i, text := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(text) {
			return i + 1, false
		}
	}
	return 0, false
}

func lineOf(node ast.Node) int {
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
