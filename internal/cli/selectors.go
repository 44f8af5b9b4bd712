package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func accountFlag(c *cobra.Command, account *string) {
	c.Flags().StringVar(account, "account", "", "`ACCOUNT` of the call (default: the one that has this id)")
}

func parseAccountFlag(s string) (call.Account, error) {
	if s == "" {
		return "", nil
	}
	a, err := call.ParseAccount(s)
	if err != nil {
		return "", usageError{fmt.Errorf("--account: %w", err)}
	}
	return a, nil
}

// filterFlags select dead letters.
type filterFlags struct {
	account   string
	reasons   []string
	olderThan time.Duration
	newerThan time.Duration
	limit     int
}

func (f *filterFlags) register(c *cobra.Command, limit int) {
	c.Flags().StringVar(&f.account, "account", "", "only dead letters of this `ACCOUNT`")
	c.Flags().StringSliceVar(&f.reasons, "reason", nil, "only dead letters with this `REASON`; repeatable")
	c.Flags().DurationVar(&f.olderThan, "older-than", 0, "only dead letters that ended more than this long ago (such as 2h)")
	c.Flags().DurationVar(&f.newerThan, "newer-than", 0, "only dead letters that ended less than this long ago (such as 2h)")
	c.Flags().IntVar(&f.limit, "limit", limit, "maximum `NUMBER`")
}

// isSet reports whether any selection but --limit is set.
func (f *filterFlags) isSet() bool {
	return f.account != "" || len(f.reasons) > 0 || f.olderThan != 0 || f.newerThan != 0
}

// filter validates the flags.
func (f *filterFlags) filter(now time.Time) (queue.DeadLetterFilter, error) {
	filter := queue.DeadLetterFilter{Limit: f.limit}
	if f.limit < 1 {
		return filter, usageError{errors.New("--limit must be at least 1")}
	}
	if f.olderThan < 0 || f.newerThan < 0 {
		return filter, usageError{errors.New("--older-than and --newer-than must not be negative; write them like 2h, or 48h for two days")}
	}
	var err error
	if filter.Account, err = parseAccountFlag(f.account); err != nil {
		return filter, err
	}
	for _, name := range f.reasons {
		reason, err := parseEndReason(name)
		if err != nil {
			return filter, usageError{err}
		}
		filter.Reasons = append(filter.Reasons, reason)
	}
	if f.olderThan > 0 {
		filter.Before = now.Add(-f.olderThan)
	}
	if f.newerThan > 0 {
		filter.After = now.Add(-f.newerThan)
	}
	return filter, nil
}

func parseEndReason(name string) (call.Reason, error) {
	for _, r := range call.EndReasons() {
		if string(r) == name {
			return r, nil
		}
	}
	return "", fmt.Errorf("unknown --reason %q; the reasons are %s", name, join(call.EndReasons()))
}

// parseLetterNumber parses the name of a dead letter: @ and its sequence.
func parseLetterNumber(arg string) (uint64, bool, error) {
	digits, ok := strings.CutPrefix(arg, "@")
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, true, usageError{errors.New("a dead letter is named by @ and its number, as in: ringonce dead list")}
	}
	return n, true, nil
}
