package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringonce/ringonce/call"
)

// actionFlags is what an operator says about an operation that writes: who, why, and
// that the question need not be put.
type actionFlags struct {
	by  string
	why string
	yes bool
}

// registerNote adds who and why, which are recorded with what was done.
func (a *actionFlags) registerNote(c *cobra.Command) {
	c.Flags().StringVar(&a.by, "by", currentUser(), "`WHO` does it, for the record")
	c.Flags().StringVar(&a.why, "why", "", "the `REASON`, for the record")
}

func (a *actionFlags) registerYes(c *cobra.Command) {
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask")
}

// note is what is kept in the record of a call.
func (a *actionFlags) note(now time.Time) call.Note { return call.Note{At: now, By: a.by, Why: a.why} }

// requireReason refuses an operation that nobody could account for later.
func (a *actionFlags) requireReason() error {
	if strings.TrimSpace(a.why) == "" {
		return usageError{errors.New(`--why is required: say how you know, such as --why "carrier's log shows no call"`)}
	}
	return nil
}

var errNotConfirmed = errors.New("not confirmed; nothing was changed")

// confirm asks a question on a terminal; elsewhere --yes is required.
func (a *actionFlags) confirm(c *cobra.Command, question string) error {
	if a.yes {
		return nil
	}
	in, ok := c.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usageError{fmt.Errorf("%s This asks first, and there is no terminal to ask at; add --yes", question)}
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s [y/N] ", question)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return errNotConfirmed
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	default:
		return errNotConfirmed
	}
}
