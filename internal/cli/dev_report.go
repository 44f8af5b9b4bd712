package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
)

// printTable shows what came of a batch.
func printTable(w io.Writer, v reconcile.Report) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateColumns = false
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}})
	t.AppendRow(table.Row{"requests published", v.Published})
	t.AppendSeparator()
	t.AppendRow(table.Row{"placed", v.Placed})
	t.AppendRow(table.Row{"  of them after a retry", v.Retried})
	t.AppendRow(table.Row{"dead letters", v.DeadLetters()})
	for _, reason := range slices.Sorted(maps.Keys(v.Dead)) {
		t.AppendRow(table.Row{"  " + string(reason), v.Dead[reason]})
	}
	t.AppendRow(table.Row{"unknown (may have rung)", v.Unknown})
	t.AppendRow(table.Row{"duplicates", v.Duplicates})
	t.AppendSeparator()
	t.AppendRow(table.Row{"phones rung twice", len(v.RungTwice)})
	t.Render()
}

// explain says in a few words what the table means.
func explain(w io.Writer, v reconcile.Report, rung int) {
	fmt.Fprintf(w, `
Every request is accounted for. Who was rung was asked of the simulated provider, not
of ringonce. Calls that went out: %d; each placed one is among them, by its request_uuid.
`, rung)
	if v.Unknown > 0 {
		fmt.Fprintf(w, `
unknown: the request was sent and no answer came that says whether the phone rang.
Dialling again could ring twice, so the call is held until its webhook, the provider's
call log or a person tells. Whoever knows then says so:
  ringonce unknown resolve --rang ID        ends it as placed
  ringonce unknown resolve --not-rung ID    has it dialled again
`)
	}
	if v.Dead[call.WebhookFailed] > 0 {
		fmt.Fprintf(w, `
%s: the callee picked up and the publisher's answer webhook failed. It rang.
`, call.WebhookFailed)
	}
}

// maxNamed bounds how many requests are named of those that something is wrong
// with.
const maxNamed = 50

// accuse names every request that something is wrong with.
func accuse(w io.Writer, v reconcile.Report) {
	said := make([]string, 0, len(v.RungTwice)+len(v.Discrepancies))
	for _, name := range v.RungTwice {
		said = append(said, name+": the phone rang more often than asked for")
	}
	for _, c := range v.Discrepancies {
		said = append(said, c.String())
	}
	fmt.Fprintln(w, "\nThis does not fit:")
	for _, line := range said[:min(len(said), maxNamed)] {
		fmt.Fprintln(w, "  "+line)
	}
	if more := len(said) - maxNamed; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}

// lastWarnings picks the last lines of a log that warn of something.
func lastWarnings(log string, most int) []string {
	var warnings []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, " level=WARN ") || strings.Contains(line, " level=ERROR ") {
			warnings = append(warnings, strings.TrimSuffix(line, "\n"))
		}
	}
	return warnings[max(0, len(warnings)-most):]
}
