package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// target is the call that a command is about.
type target struct {
	account call.Account
	id      call.ID
}

func accountFlag(c *cobra.Command, account *string) {
	c.Flags().StringVar(account, "account", "", "`ACCOUNT` of the call (default: the one that has a call of this id)")
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s does not take %q; see: %[1]s --help", c.CommandPath(), args[0])}
	}
	return nil
}

func exactlyOneID(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s takes exactly one id; see: %[1]s --help", c.CommandPath())}
	}
	return nil
}

func someIDs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s needs at least one id; see: %[1]s --help", c.CommandPath())}
	}
	return nil
}

// findCall reads an id, and finds its account if none is given.
func findCall(ctx context.Context, o *queue.Operator, account, arg string) (target, error) {
	id, err := call.ParseStoredID(arg)
	if err != nil {
		return target{}, usageError{err}
	}
	if account != "" {
		a, err := call.ParseAccount(account)
		if err != nil {
			return target{}, usageError{fmt.Errorf("--account: %w", err)}
		}
		return target{a, id}, nil
	}
	found, err := o.AccountsOf(ctx, id)
	switch {
	case err != nil:
		return target{}, err
	case len(found) == 1:
		return target{found[0], id}, nil
	case len(found) == 0:
		return target{id: id}, fmt.Errorf("no account has a record of %s: %w", id, errNoRecord)
	default:
		return target{}, usageError{fmt.Errorf("more than one account has a call %s: %s; name one with --account", id, join(found))}
	}
}

// errNoRecord says that a call has neither a record nor a dead letter.
var errNoRecord = errors.New("it was not published, or it waits to be read by a worker (ringonce calls show finds it), " +
	"or its record has expired (records.keep); check the id")

// onlyLetters says what is known of a call that has dead letters and no record.
func onlyLetters(who target, letters []queue.DeadLetter) error {
	return fmt.Errorf("account %s has no record of %s, only a dead letter (%s); see it with: ringonce dead show @%d",
		who.account, who.id, letters[0].Reason, letters[0].Sequence)
}

// letterSequence reads the name of a single dead letter: @ and its sequence.
func letterSequence(arg string) (uint64, bool, error) {
	digits, ok := strings.CutPrefix(arg, "@")
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, true, usageError{errors.New("a single dead letter is named by @ and its number, as in: ringonce dead list")}
	}
	return n, true, nil
}

func join[T ~string](items []T) string { return strings.Join(texts(items), ", ") }
