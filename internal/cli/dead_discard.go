package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/admin"
)

func newDeadDiscardCommand(cf *connFlags) *cobra.Command {
	b := &bulkAction{connFlags: cf, verb: "discard", excluded: []call.Reason{call.OutcomeUnknown}}
	b.act = func(ctx context.Context, o *admin.Operator, l deadLetterTarget, n call.Note) (string, error) {
		if l.letter != nil && l.letter.Reason == call.IDConflict {
			return "discarded", o.DiscardLetter(ctx, *l.letter)
		}
		done, err := o.Discard(ctx, l.account, l.id, n)
		return discardText(done), err
	}
	c := &cobra.Command{
		Use:   "discard [ID|@LETTER…]",
		Short: "Abandon dead calls and remove their dead letters",
		Long: `Abandon dead calls: they are not dialled, and their dead letters are removed. Name
them, or select them by reason, account or age. The records keep who did it and why.`,
		Example: `  ringonce dead discard --why "campaign is over" reminder-4711
  ringonce dead discard --reason expired --older-than 72h --yes`,
		RunE: b.run,
	}
	b.register(c)
	return c
}

func discardText(d admin.Result) string {
	if d.AlreadyDone {
		return "already discarded" + removedText(d.Removed)
	}
	return "discarded"
}
