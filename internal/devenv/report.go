package devenv

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
)

func printTable(w io.Writer, r reconcile.Report) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateColumns = false
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}})
	t.AppendRow(table.Row{"requests published", r.Published})
	t.AppendSeparator()
	t.AppendRow(table.Row{"placed", r.Placed})
	t.AppendRow(table.Row{"  of them after a retry", r.Retried})
	t.AppendRow(table.Row{"dead letters", r.DeadLetters()})
	for _, reason := range slices.Sorted(maps.Keys(r.Dead)) {
		t.AppendRow(table.Row{"  " + string(reason), r.Dead[reason]})
	}
	t.AppendRow(table.Row{"unknown (may have rung)", r.Unknown})
	t.AppendRow(table.Row{"duplicates", r.Duplicates})
	t.AppendSeparator()
	t.AppendRow(table.Row{"phones rung twice", len(r.RungTwice)})
	t.Render()
}

// printLegend explains the table.
func printLegend(w io.Writer, r reconcile.Report, rings int) {
	fmt.Fprintf(w, `
Every request is accounted for. The simulated provider, not ringonce, reports who was
rung: %d phones. Each placed call is among them, by its request_uuid.
`, rings)
	if r.Unknown > 0 {
		fmt.Fprint(w, `
unknown: the request was sent, and no response says whether the phone rang. Dialling
again could ring twice, so the call is held until an operator resolves it:
  ringonce unknown resolve --rang ID        ends it as placed
  ringonce unknown resolve --not-rung ID    dials it again
`)
	}
	if r.Dead[call.WebhookFailed] > 0 {
		fmt.Fprintf(w, "\n%s: the callee answered, and the publisher's answer webhook failed. The phone rang.\n", call.WebhookFailed)
	}
}

const maxFailures = 50 // that are listed

// printFailures lists the requests that are not accounted for or rang twice.
func printFailures(w io.Writer, r reconcile.Report) {
	lines := make([]string, 0, len(r.RungTwice)+len(r.Discrepancies))
	for _, name := range r.RungTwice {
		lines = append(lines, name+": the phone rang more often than requested")
	}
	for _, d := range r.Discrepancies {
		lines = append(lines, d.String())
	}
	fmt.Fprintln(w, "\nDiscrepancies:")
	for _, line := range lines[:min(len(lines), maxFailures)] {
		fmt.Fprintln(w, "  "+line)
	}
	if more := len(lines) - maxFailures; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
