package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
)

// maxBulk is how many dead letters one command changes.
const maxBulk = 10000

// bulkAction is a command that changes dead letters, named or selected.
type bulkAction struct {
	connFlags *connFlags
	selection filterFlags
	action    actionFlags
	dryRun    bool
	verb      string // as in "replay"
	// excluded are reasons that no bulk may touch.
	excluded []call.Reason
	act      func(ctx context.Context, o *admin.Operator, l deadLetterTarget, n call.Note) (string, error)
}

// deadLetterTarget is a call, and its dead letter if that was named or selected.
type deadLetterTarget struct {
	target
	letter *queue.DeadLetter
}

func (b *bulkAction) register(c *cobra.Command) {
	b.selection.register(c, maxBulk)
	b.action.registerNote(c)
	b.action.registerYes(c)
	c.Flags().BoolVar(&b.dryRun, "dry-run", false, "print what would be done, and change nothing")
}

func (b *bulkAction) run(c *cobra.Command, args []string) error {
	if len(args) == 0 && !b.selection.isSet() {
		return usageError{fmt.Errorf("name ids, or select dead letters by --reason, --account, --older-than or --newer-than; see: %s --help", c.CommandPath())}
	}
	if len(args) > 0 && (len(b.selection.reasons) > 0 || b.selection.olderThan > 0 || b.selection.newerThan > 0) {
		return usageError{errors.New("ids, and a selection by reason or age, exclude each other")}
	}
	if _, err := b.selection.filter(time.Now()); err != nil {
		return err
	}
	operator, conn, err := b.connFlags.operator(c.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	targets, names, err := b.targets(c, operator, args)
	if err != nil || len(names) == 0 {
		return err
	}
	if b.dryRun {
		for _, name := range names {
			fmt.Fprintf(c.OutOrStdout(), "%s: would %s\n", name, b.verb)
		}
		return nil
	}
	if len(args) == 0 {
		if err := b.action.confirm(c, fmt.Sprintf("This will %s %s.", b.verb, plural(len(names), "dead letter"))); err != nil {
			return err
		}
	}
	return forEach(c, names, func(ctx context.Context, name string) (string, error) {
		t, ok := targets[name]
		if !ok {
			var err error
			if t, err = b.named(ctx, operator, name); err != nil {
				return "", err
			}
		}
		return b.act(ctx, operator, t, b.action.note(time.Now()))
	})
}

// targets returns the selected dead letters, by name. Those of the command line are
// looked up one by one as they are changed.
func (b *bulkAction) targets(c *cobra.Command, o *admin.Operator, args []string) (map[string]deadLetterTarget, []string, error) {
	if len(args) > 0 {
		return nil, args, nil
	}
	filter, err := b.selection.filter(time.Now())
	if err != nil {
		return nil, nil, err
	}
	if filter.Reasons, err = b.reasons(filter.Reasons); err != nil {
		return nil, nil, err
	}
	letters, err := o.DeadLetters().List(c.Context(), filter)
	if err != nil {
		return nil, nil, err
	}
	targets := map[string]deadLetterTarget{}
	var names []string
	for _, l := range letters.Letters {
		name := string(l.ID)
		if _, twice := targets[name]; twice || l.Reason == call.IDConflict {
			name = "@" + strconv.FormatUint(l.Sequence, 10)
		}
		targets[name] = deadLetterTarget{target{l.Account, l.ID}, &l}
		names = append(names, name)
	}
	if letters.More {
		fmt.Fprintf(c.ErrOrStderr(), "more than %d dead letters match; repeat the command for the rest\n", filter.Limit)
	}
	if len(names) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "no dead letters to", b.verb)
	}
	return targets, names, nil
}

// reasons returns the reasons to select, without the excluded ones.
func (b *bulkAction) reasons(wanted []call.Reason) ([]call.Reason, error) {
	excluded := map[call.Reason]bool{}
	for _, r := range b.excluded {
		excluded[r] = true
	}
	for _, r := range wanted {
		if excluded[r] {
			return nil, usageError{fmt.Errorf("--reason %s: those can only be %sed by their ids; see docs/operations.md", r, b.verb)}
		}
	}
	if len(wanted) > 0 {
		return wanted, nil
	}
	var all []call.Reason
	for _, r := range call.EndReasons() {
		if !excluded[r] {
			all = append(all, r)
		}
	}
	return all, nil
}

func (b *bulkAction) named(ctx context.Context, o *admin.Operator, name string) (deadLetterTarget, error) {
	if _, single, err := parseLetterNumber(name); err != nil || single {
		if err != nil {
			return deadLetterTarget{}, err
		}
		letters, err := findDeadLetters(ctx, o, "", name)
		if err != nil {
			return deadLetterTarget{}, err
		}
		return deadLetterTarget{target{letters[0].Account, letters[0].ID}, &letters[0]}, nil
	}
	who, err := findCall(ctx, o, b.selection.account, name)
	return deadLetterTarget{who, nil}, err
}
