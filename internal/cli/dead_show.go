package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/queue"
)

func newDeadShowCommand(cf *connFlags) *cobra.Command {
	var account string
	var reveal, body bool
	c := &cobra.Command{
		Use:   "show ID|@LETTER",
		Short: "Show a dead letter: its reason, its history and its request",
		Example: `  ringonce dead show reminder-4711
  ringonce dead show --body reminder-4711 > request.json`,
		Args: exactlyOneID,
		RunE: func(c *cobra.Command, args []string) error {
			operator, conn, err := cf.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			letters, err := findDeadLetters(c.Context(), operator, account, args[0])
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if body {
				_, err := out.Write(letters[len(letters)-1].Body)
				return err
			}
			for i, l := range letters {
				if i > 0 {
					fmt.Fprintln(out)
				}
				printDeadLetter(out, l, reveal, time.Now())
			}
			return nil
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&reveal, "reveal", false, "show the request as published, with phone numbers")
	c.Flags().BoolVar(&body, "body", false, "print only the request, byte for byte")
	return c
}

func printDeadLetter(out io.Writer, l queue.DeadLetter, reveal bool, now time.Time) {
	t, row := newDetails(out)
	row("letter", "@"+strconv.FormatUint(l.Sequence, 10))
	row("call", string(l.ID))
	row("account", string(l.Account))
	row("reason", string(l.Reason))
	row("message", printable(l.Message))
	row("ended", formatTime(l.Ended, now))
	row("published", formatTime(l.Origin.Published, now))
	if l.MayHaveRung {
		row("may have rung", "yes")
	}
	if r := newRequestView(l.Body, reveal); r != nil {
		row("from", r.From)
		row("to", r.To)
		row("metadata", metadataLine(r.Metadata))
	}
	row("trace", l.Trace)
	row("attempts", strconv.Itoa(l.Attempts))
	t.Render()
	if len(l.History) > 0 {
		fmt.Fprintln(out)
		history := newTable(out, "claimed", "what", "detail")
		for _, a := range l.History {
			history.AppendRow([]any{formatTime(a.ClaimedAt, now), fmt.Sprintf("attempt %d %s", a.N, dash(a.Class)), printable(attemptLine(a))})
		}
		history.Render()
	}
	fmt.Fprintln(out)
	if reveal {
		fmt.Fprintln(out, printable(string(l.Body)))
		return
	}
	fmt.Fprintf(out, "request: %d bytes; --reveal shows it, --body prints it as published\n", l.Size)
}
