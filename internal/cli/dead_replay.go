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
		Short: "Have dead calls dialled again",
		Long: `Have dead calls dialled again, with a fresh age and a fresh count of attempts.
Name them, or pick them by reason, account or age. Replaying twice rings once.

Whatever may have rung is resolved, not replayed: ringonce unknown resolve.
Letters of too_old_to_know are replayed only by their ids, and only with
--may-have-rung-already: nobody knows whether those phones rang before.`,
		Example: `  ringonce dead replay --why "number linked" reminder-4711
  ringonce dead replay --reason number_not_linked --account acme-west --newer-than 2h --dry-run`,
		RunE: func(c *cobra.Command, args []string) error {
			if doubtAccepted && len(args) == 0 {
				return usageError{errors.New("--may-have-rung-already is for calls that are named, one by one")}
			}
			b.act = func(ctx context.Context, o *queue.Operator, l deadLetterTarget, n call.Note) (string, error) {
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
	c.Flags().BoolVar(&doubtAccepted, "may-have-rung-already", false, "replay named calls even if nobody knows whether they rang before")
	return c
}

var errIDConflict = errors.New("its id is in use for another request, so it cannot be replayed; " +
	"publish it anew under an id of its own: ringonce dead show --body prints what was asked for")

func replayText(d queue.Result) string {
	if d.AlreadyDone {
		return fmt.Sprintf("replayed already, now %s%s", d.Record.State, removedText(d.Removed))
	}
	return "replayed"
}
