package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ringonce/ringonce/call"
)

// newTable returns a table without lines, for terminals and awk.
func newTable(out io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	if len(header) > 0 {
		t.AppendHeader(header)
	}
	return t
}

// newDetails returns a table of names and values, and what adds a row that is not
// empty.
func newDetails(out io.Writer) (t table.Writer, row func(name, value string)) {
	t = newTable(out)
	return t, func(name, value string) {
		if value != "" && value != "-" {
			t.AppendRow([]any{name, value})
		}
	}
}

// formatTime prints a time in UTC, and relative to now.
func formatTime(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z") + " (" + relativeTime(t, now) + ")"
}

// relativeTime prints a time relative to now, such as "4m ago".
func relativeTime(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		return "in " + formatDuration(-d)
	}
	return formatDuration(d) + " ago"
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd", int(d/day))
	}
}

// dash replaces an empty text by "-".
func dash[T ~string](s T) string {
	if s == "" {
		return "-"
	}
	return string(s)
}

// showPhone prints a number, masked unless revealed.
func showPhone(p call.Phone, reveal bool) string {
	switch {
	case p.IsZero():
		return "-"
	case reveal:
		return p.E164()
	default:
		return p.String()
	}
}

// showURL prints a callback URL, its query hidden unless revealed: it may hold a token.
func showURL(u string, reveal bool) string {
	if reveal {
		return u
	}
	if cut := strings.IndexAny(u, "?#"); cut >= 0 {
		return u[:cut] + "?(hidden)"
	}
	return u
}

// printable replaces control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// shorten limits the length of a table cell.
func shorten(s string) string {
	const maxRunes = 60
	runes := []rune(printable(s))
	if len(runes) <= maxRunes {
		return string(runes)
	}
	return string(runes[:maxRunes]) + "…"
}

func printJSON(out io.Writer, v any) error {
	err := json.MarshalWrite(out, v, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	_, err = fmt.Fprintln(out)
	return err
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func join[T ~string](items []T) string { return strings.Join(texts(items), ", ") }

func texts[T ~string](items []T) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = string(item)
	}
	return all
}
