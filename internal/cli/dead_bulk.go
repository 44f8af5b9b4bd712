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

// bulkLimit bounds how many letters one command changes.
const bulkLimit = 10000

// bulk is a command that changes dead letters: those named, or those picked.
type bulk struct {
	desk   *desk
	pick   letterFlags
	answer answer
	dryRun bool
	verb   string // as in "replay"
	// excluded are reasons that no bulk may touch.
	excluded []call.Reason
	act      func(ctx context.Context, o *admin.Operator, l letterTarget, n call.Note) (string, error)
}

// letterTarget is a call that is acted on by its dead letter.
type letterTarget struct {
	target
	letter *queue.DeadLetter // set if a single letter was named or picked
}

func (b *bulk) register(c *cobra.Command) {
	b.pick.register(c, bulkLimit)
	b.answer.noteFlags(c)
	b.answer.yesFlag(c)
	c.Flags().BoolVar(&b.dryRun, "dry-run", false, "say what would be done, and do nothing")
}

func (b *bulk) run(c *cobra.Command, args []string) error {
	if len(args) == 0 && !b.pick.picked() {
		return usageError{fmt.Errorf("name ids, or pick letters by --reason, --account, --older-than or --newer-than; see: %s --help", c.CommandPath())}
	}
	if len(args) > 0 && (len(b.pick.reasons) > 0 || b.pick.olderThan > 0 || b.pick.newerThan > 0) {
		return usageError{errors.New("ids, and letters picked by reason or age, exclude each other; do one after the other")}
	}
	if _, err := b.pick.filter(time.Now()); err != nil {
		return err
	}
	operator, conn, err := b.desk.operator(c.Context())
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
		if err := b.answer.confirm(c, fmt.Sprintf("This will %s %s.", b.verb, count(len(names), "dead letter"))); err != nil {
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
		return b.act(ctx, operator, t, b.answer.note(time.Now()))
	})
}

// targets gives what to act on, by name. Those of the command line are looked
// up one by one as they are acted on.
func (b *bulk) targets(c *cobra.Command, o *admin.Operator, args []string) (map[string]letterTarget, []string, error) {
	if len(args) > 0 {
		return nil, args, nil
	}
	filter, err := b.pick.filter(time.Now())
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
	targets := map[string]letterTarget{}
	var names []string
	for _, l := range letters.Letters {
		name := string(l.ID)
		if _, twice := targets[name]; twice || l.Reason == call.IDConflict {
			name = "@" + strconv.FormatUint(l.Sequence, 10)
		}
		targets[name] = letterTarget{target{l.Account, l.ID}, &l}
		names = append(names, name)
	}
	if letters.More {
		fmt.Fprintf(c.ErrOrStderr(), "there are more than %d; do it again for the rest\n", filter.Limit)
	}
	if len(names) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "no dead letters to", b.verb)
	}
	return targets, names, nil
}

// reasons gives those that a bulk may touch.
func (b *bulk) reasons(wanted []call.Reason) ([]call.Reason, error) {
	excluded := map[call.Reason]bool{}
	for _, r := range b.excluded {
		excluded[r] = true
	}
	for _, r := range wanted {
		if excluded[r] {
			return nil, usageError{fmt.Errorf("--reason %s: those are never %sed together, only by their ids; see docs/operations.md", r, b.verb)}
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

func (b *bulk) named(ctx context.Context, o *admin.Operator, name string) (letterTarget, error) {
	if _, single, err := letterSequence(name); err != nil || single {
		if err != nil {
			return letterTarget{}, err
		}
		letters, err := findLetters(ctx, o, "", name)
		if err != nil {
			return letterTarget{}, err
		}
		return letterTarget{target{letters[0].Account, letters[0].ID}, &letters[0]}, nil
	}
	who, err := findCall(ctx, o, b.pick.account, name)
	return letterTarget{who, nil}, err
}
