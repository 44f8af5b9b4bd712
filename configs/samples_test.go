package configs

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// update writes the generated files: make generate.
var update = flag.Bool("update", false, "write reference.yaml, schema.json and the tables of docs/configuration.md")

// reference.yaml, schema.json and the tables of the documentation are generated
// from the tables of settings.
func TestGenerated(t *testing.T) {
	const documentation = "../docs/configuration.md"
	text := readSample(t, documentation)
	text = between(t, text, "short names", shortNameTable())
	text = between(t, text, "keys", keyTable())
	for path, want := range map[string]string{documentation: text, "reference.yaml": reference(), "schema.json": schema(t)} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if readSample(t, path) != want {
			t.Errorf("%s differs from table.go; run: make generate", path)
		}
	}
}

func readSample(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// between replaces the text between two comments.
func between(t *testing.T, text, name, content string) string {
	t.Helper()
	begin, end := "<!-- "+name+": written by make generate -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("the documentation has no markers for the %s", name)
	}
	return before + begin + "\n" + content + "\n" + end + after
}

// documented returns the defaults of all keys, those of an account last.
func documented(account string) []setting {
	c, a := Default(), DefaultAccount()
	settings := c.settings()
	for _, s := range a.settings() {
		s.key = "accounts." + account + "." + s.key
		settings = append(settings, s)
	}
	return settings
}

func keyTable() string {
	var b strings.Builder
	b.WriteString("| key | default | environment | meaning |\n|---|---|---|---|\n")
	for _, s := range documented("<name>") {
		value := "|"
		if s.defaultValue != "" {
			value = "`" + s.defaultValue + "` |"
		}
		variables := "`" + variable(s.key) + "`"
		for name, key := range shortNames {
			if key == s.key {
				variables += ", `" + name + "`"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s %s | %s |\n", s.key, value, variables, s.help)
	}
	return b.String()
}

func shortNameTable() string {
	var rows []string
	for name, key := range shortNames {
		rows = append(rows, "| `"+name+"` | `"+key+"` |\n")
	}
	slices.Sort(rows)
	return "| short name | key |\n|---|---|\n" + strings.Join(rows, "")
}

// reference returns a file with every key at its default.
func reference() string {
	var b strings.Builder
	b.WriteString(`# Every setting with its default. An empty string ("") means: not set.
# docs/configuration.md names the environment variable of each. Written by
# make generate.
# yaml-language-server: $schema=schema.json
`)
	var before []string
	for _, s := range documented(DefaultAccountName) {
		path := strings.Split(s.key, ".")
		if path[0] != slices.Concat(before, []string{""})[0] {
			b.WriteString("\n")
		}
		for depth, name := range path {
			indent := strings.Repeat("  ", depth)
			switch {
			case depth < len(path)-1 && (depth >= len(before)-1 || !slices.Equal(before[:depth+1], path[:depth+1])):
				b.WriteString(indent + name + ":\n")
			case depth == len(path)-1:
				b.WriteString(comment(indent, strings.ReplaceAll(s.help, "`", "")))
				b.WriteString(indent + name + ": " + sample(s) + "\n")
			}
		}
		before = path
	}
	return b.String()
}

// sample returns a value in the reference, whose account needs a key.
func sample(s setting) string {
	switch {
	case strings.HasSuffix(s.key, ".api_key_file"):
		return "/run/secrets/superfone_api_key"
	case isList(s):
		return "[]"
	case s.defaultValue == "" || strings.HasPrefix(s.defaultValue, ":"):
		return `"` + s.defaultValue + `"`
	}
	return s.defaultValue
}

func isList(s setting) bool {
	_, is := s.target.(*[]string)
	return is
}

// comment breaks a text into lines.
func comment(indent, text string) string {
	var b strings.Builder
	line := indent + "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 80 {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// schema returns the JSON Schema of a file, for editors.
func schema(t *testing.T) string {
	t.Helper()
	type object = map[string]any
	root := sectionOf(new(Config).settings())
	root["$schema"], root["title"] = "https://json-schema.org/draft/2020-12/schema", "The configuration of ringonce"
	root["properties"].(object)["accounts"] = object{ //nolint:errcheck,forcetypeassert // made so by sectionOf
		"type": []string{"object", "null"}, "propertyNames": object{"pattern": accountNamePattern.String()},
		"additionalProperties": sectionOf(new(Account).settings()),
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sectionOf returns the schema of a section, whose settings have keys relative to it.
func sectionOf(settings []setting) map[string]any {
	properties, inner := map[string]any{}, map[string][]setting{}
	for _, s := range settings {
		name, rest, nested := strings.Cut(s.key, ".")
		if !nested {
			properties[name] = schemaOf(s)
			continue
		}
		s.key = rest
		inner[name] = append(inner[name], s)
		properties[name] = sectionOf(inner[name])
	}
	return map[string]any{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
}

func schemaOf(s setting) map[string]any {
	value := map[string]any{"description": strings.ReplaceAll(s.help, "`", "")}
	if s.defaultValue != "" {
		value["default"] = s.defaultValue
	}
	number := func(kind string) {
		value["type"] = kind
		if s.defaultValue != "" {
			value["default"] = json.Number(s.defaultValue)
		}
		if s.rule.max != 0 {
			value["minimum"], value["maximum"] = s.rule.min, s.rule.max
		}
		if s.rule.orZero {
			value["minimum"] = 0
		}
		if s.rule.choices != nil {
			var numbers []json.Number
			for _, choice := range s.rule.choices {
				numbers = append(numbers, json.Number(choice))
			}
			value["enum"] = numbers
		}
	}
	switch s.target.(type) {
	case *time.Duration:
		value["type"], value["pattern"] = "string", `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`
	case *bool:
		value["type"], value["default"] = "boolean", s.defaultValue == "true"
	case *int:
		number("integer")
	case *float64:
		number("number")
	case *[]string:
		value["type"], value["items"] = []string{"array", "string"}, map[string]any{"type": "string"}
	case *Secret: // YAML parses a key of digits as a number
		value["type"] = []string{"string", "number"}
	default:
		value["type"] = "string"
		if s.rule.choices != nil {
			value["enum"] = s.rule.choices
		}
	}
	return value
}

// The reference has every key, at its default.
func TestReferenceEqualsDefaults(t *testing.T) {
	c := mustLoad(t, reference())
	want := Default()
	account := DefaultAccount()
	account.APIKeyFile = "/run/secrets/superfone_api_key"
	want.Accounts["default"] = account
	if !same(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	for _, key := range allKeys("accounts.default.") {
		if c.sources[key].Line == 0 {
			t.Errorf("%s is not in the reference", key)
		}
	}
	if !reflect.DeepEqual(c.ChangedKeys(want), []string(nil)) {
		t.Error("equal configurations have changed keys")
	}
}
