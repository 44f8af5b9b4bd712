package configs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// section is a mapping of the file: its full key, and the settings that may
// stand in it, with their keys relative to it.
type section struct {
	key      string
	settings []setting
}

// inside is the section under name, empty if there is none.
func (s section) inside(name string) section {
	sub := section{key: s.full(name)}
	for _, candidate := range s.settings {
		if rest, ok := strings.CutPrefix(candidate.key, name+"."); ok {
			sub.settings = append(sub.settings, setting{rest, candidate.target})
		}
	}
	return sub
}

func (s section) full(name string) string {
	if s.key == "" {
		return name
	}
	return s.key + "." + name
}

// names are the keys that may stand directly in the section.
func (s section) names() []string {
	var names []string
	for _, candidate := range s.settings {
		name, _, _ := strings.Cut(candidate.key, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// readFile applies what the file says. It reports whether the file could be
// read at all; mistakes in single settings are noted and do not stop it.
func (l *loader) readFile(data []byte) bool {
	body, broken := parseYAML(data)
	if broken != nil {
		l.note(Mistake{Origin: Origin{File: l.file, Line: broken.line}, Rule: broken.rule, Fix: broken.fix})
		return false
	}
	if body == nil {
		return true
	}
	pairs, ok := body.(ast.MapNode)
	if !ok {
		l.note(Mistake{Origin: l.at(body), Rule: "the file must hold keys with values", Fix: "write lines like shutdown_grace: 45s"})
		return false
	}
	top := section{settings: l.config.settings()}
	l.eachPair(top.key, pairs, func(name string, at Origin, value ast.Node) {
		if name == "accounts" {
			l.readAccounts(value)
			return
		}
		l.readPair(top, name, at, value, append(top.names(), "accounts"))
	})
	return true
}

func (l *loader) readAccounts(value ast.Node) {
	pairs, ok := l.mapping("accounts", value)
	if !ok {
		return
	}
	l.eachPair("accounts", pairs, func(name string, at Origin, value ast.Node) {
		account := DefaultAccount()
		l.accounts[name] = &account
		key := accountKey(name, "")
		l.origins[key] = at
		l.readSection(section{key, account.settings()}, value)
	})
}

func (l *loader) readSection(s section, value ast.Node) {
	pairs, ok := l.mapping(s.key, value)
	if !ok {
		return
	}
	l.eachPair(s.key, pairs, func(name string, at Origin, value ast.Node) {
		l.readPair(s, name, at, value, s.names())
	})
}

// readPair applies one key of a section, which is a setting or a section itself.
func (l *loader) readPair(s section, name string, at Origin, value ast.Node, known []string) {
	for _, candidate := range s.settings {
		if candidate.key == name {
			l.readValue(setting{s.full(name), candidate.target}, at, value)
			return
		}
	}
	if sub := s.inside(name); len(sub.settings) > 0 {
		l.readSection(sub, value)
		return
	}
	l.note(Mistake{
		Origin: at,
		Key:    s.full(plainOrQuoted(name)),
		Rule:   "there is no such key",
		Fix:    didYouMean(name, known, "the keys here are "+strings.Join(known, ", ")),
	})
}

func (l *loader) readValue(s setting, at Origin, value ast.Node) {
	text, f := scalarText(value)
	if f != nil {
		l.noteFault(s.key, at, f)
		return
	}
	l.set(s, at, text)
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
		return "", &fault{"must be a single value", "write it after the key, on the same line"}
	}
}

// mapping is the value of a section; an empty one is allowed, so that all keys
// in it can be commented out.
func (l *loader) mapping(key string, value ast.Node) (ast.MapNode, bool) {
	switch value := value.(type) {
	case nil, *ast.NullNode:
		return nil, false
	case ast.MapNode:
		return value, true
	default:
		l.noteFault(key, l.at(value), &fault{"must hold keys", "indent its keys on the lines below it"})
		return nil, false
	}
}

// eachPair calls visit for every key of a mapping, once each.
func (l *loader) eachPair(prefix string, pairs ast.MapNode, visit func(name string, at Origin, value ast.Node)) {
	firstLine := map[string]int{}
	parent := section{key: prefix}
	for iterator := pairs.MapRange(); iterator.Next(); {
		keyToken := iterator.Key().GetToken()
		name, at := keyToken.Value, l.at(iterator.Key())
		if first, twice := firstLine[name]; twice {
			l.note(Mistake{
				Origin: at,
				Key:    parent.full(plainOrQuoted(name)),
				Rule:   fmt.Sprintf("is given twice, first at line %d", first),
				Fix:    "remove one of the two",
			})
			continue
		}
		firstLine[name] = at.Line
		visit(name, at, iterator.Value())
	}
}

func (l *loader) at(node ast.Node) Origin {
	return Origin{File: l.file, Line: lineOf(node)}
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}$`)

// plainOrQuoted keeps a name from outside from breaking the line it is shown on.
func plainOrQuoted(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return quote(name)
}
