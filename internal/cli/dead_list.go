package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newDeadListCommand(cf *connFlags) *cobra.Command {
	f := &filterFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, oldest first",
		Example: `  ringonce dead list
  ringonce dead list --account acme-west --reason number_not_linked --newer-than 2h`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			letters, err := conn.NewDeadLetters(config.Dead.Keep).List(c.Context(), filter)
			if err != nil {
				return err
			}
			if letters.More {
				defer fmt.Fprintf(c.ErrOrStderr(), "more dead letters match; raise --limit (%d), or narrow the selection\n", filter.Limit)
			}
			if asJSON {
				return printDeadLettersJSON(c.OutOrStdout(), letters.Letters)
			}
			printDeadLetters(c.OutOrStdout(), letters.Letters, time.Now())
			return nil
		},
	}
	f.register(c, 100)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per line")
	return c
}

func printDeadLetters(out io.Writer, letters []queue.DeadLetter, now time.Time) {
	if len(letters) == 0 {
		fmt.Fprintln(out, "no dead letters")
		return
	}
	t := newTable(out, "letter", "account", "id", "reason", "ended", "attempts", "message")
	for _, l := range letters {
		t.AppendRow([]any{
			"@" + strconv.FormatUint(l.Sequence, 10), l.Account, l.ID, l.Reason, formatTime(l.Ended, now), l.Attempts, shorten(l.Message),
		})
	}
	t.Render()
}

// deadLetterView is a dead letter as JSON. It contains no phone number.
type deadLetterView struct {
	Letter      uint64         `json:"letter"`
	Account     call.Account   `json:"account"`
	ID          call.ID        `json:"id"`
	Reason      call.Reason    `json:"reason"`
	Message     string         `json:"message,omitzero"`
	Status      int            `json:"status,omitzero"`
	Published   time.Time      `json:"published,omitzero"`
	Ended       time.Time      `json:"ended"`
	MayHaveRung bool           `json:"may_have_rung,omitzero"`
	Made        int            `json:"made"`
	Attempts    []call.Attempt `json:"attempts"`
	Size        int            `json:"size"`
	Trace       string         `json:"traceparent,omitzero"`
}

func printDeadLettersJSON(out io.Writer, letters []queue.DeadLetter) error {
	for _, l := range letters {
		err := json.MarshalWrite(out, deadLetterView{
			Letter: l.Sequence, Account: l.Account, ID: l.ID, Reason: l.Reason, Message: l.Message, Status: l.Status,
			Published: l.Origin.Published, Ended: l.Ended, MayHaveRung: l.MayHaveRung, Made: l.Attempts, Attempts: l.History,
			Size: l.Size, Trace: l.Trace,
		})
		if err != nil {
			return fmt.Errorf("print JSON: %w", err)
		}
		fmt.Fprintln(out)
	}
	return nil
}
