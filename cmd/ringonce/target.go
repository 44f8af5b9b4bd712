package main

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
	found, err := o.Accounts(ctx, id)
	switch {
	case err != nil:
		return target{}, err
	case len(found) == 1:
		return target{found[0], id}, nil
	case len(found) == 0:
		return target{}, fmt.Errorf("no account has a record of %s: %s", id, notFound)
	default:
		return target{}, usageError{fmt.Errorf("more than one account has a call %s: %s; name one with --account", id, join(found))}
	}
}

// notFound says what it can mean that a call is not known.
const notFound = "it was not published, or it still waits to be read by a worker (ringonce accounts list), " +
	"or its record has expired (records.keep); check the id, or name its account with --account"

// noRecord says what is known of a call without a record.
func noRecord(who target, letters []queue.Letter) error {
	if len(letters) == 0 {
		return fmt.Errorf("account %s has no record of %s: %s", who.account, who.id, notFound)
	}
	return fmt.Errorf("account %s has no record of %s, only a dead letter (%s); see it with: ringonce dead show %[2]s",
		who.account, who.id, letters[0].Reason)
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

func join[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}
