package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/admin"
)

func newDeadReplayCommand(cf *connFlags) *cobra.Command {
	var doubtAccepted bool
	b := &bulkAction{
		connFlags: cf, verb: "replay",
		excluded: []call.Reason{call.OutcomeUnknown, call.WebhookFailed, call.TooOldToKnow, call.IDConflict, call.Malformed},
	}
	c := &cobra.Command{
		Use:   "replay [ID|@LETTER…]",
		Short: "Dial dead calls again",
		Long: `Dial dead calls again, with a new age and a new count of attempts. Name them, or
select them by reason, account or age. Replaying twice rings once.

Calls that may have rung are resolved instead: ringonce unknown resolve. Calls
that ended as too_old_to_know are replayed only by their ids and with
--may-have-rung-already: it is unknown whether those phones rang before.`,
		Example: `  ringonce dead replay --why "number linked" reminder-4711
  ringonce dead replay --reason number_not_linked --account acme-west --newer-than 2h --dry-run`,
		RunE: func(c *cobra.Command, args []string) error {
			if doubtAccepted && len(args) == 0 {
				return usageError{errors.New("--may-have-rung-already requires ids")}
			}
			b.act = func(ctx context.Context, o *admin.Operator, l deadLetterTarget, n call.Note) (string, error) {
				if l.letter != nil && l.letter.Reason == call.IDConflict {
					return "", errIDConflict
				}
				done, err := o.Replay(ctx, l.account, l.id, n, doubtAccepted)
				return replayText(done), err
			}
			return b.run(c, args)
		},
	}
	b.register(c)
	c.Flags().BoolVar(&doubtAccepted, "may-have-rung-already", false, "replay calls even if it is unknown whether they rang before")
	return c
}

var errIDConflict = errors.New("its id belongs to another request, so it cannot be replayed; " +
	"publish it again with a new id: ringonce dead show --body prints the request")

func replayText(d admin.Result) string {
	if d.AlreadyDone {
		return fmt.Sprintf("already replayed, now %s%s", d.Record.State, removedText(d.Removed))
	}
	return "replayed"
}
