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

// actionFlags are the flags of commands that change something: who, why, and
// whether to skip the confirmation.
type actionFlags struct {
	by  string
	why string
	yes bool
}

// registerNote adds --by and --why, which are kept in the record.
func (a *actionFlags) registerNote(c *cobra.Command) {
	c.Flags().StringVar(&a.by, "by", currentUser(), "`NAME` of the operator, kept in the record")
	c.Flags().StringVar(&a.why, "why", "", "`REASON`, kept in the record")
}

func (a *actionFlags) registerYes(c *cobra.Command) {
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask for confirmation")
}

// note returns the note for the record of a call.
func (a *actionFlags) note(now time.Time) call.Note { return call.Note{At: now, By: a.by, Why: a.why} }

// requireReason requires --why, and shows an example.
func (a *actionFlags) requireReason(example string) error {
	if strings.TrimSpace(a.why) == "" {
		return usageError{fmt.Errorf("--why is required, such as --why %q", example)}
	}
	return nil
}

var errNotConfirmed = errors.New("not confirmed; nothing was changed")

// confirm asks for confirmation on a terminal; elsewhere --yes is required.
func (a *actionFlags) confirm(c *cobra.Command, question string) error {
	if a.yes {
		return nil
	}
	in, ok := c.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usageError{fmt.Errorf("%s There is no terminal to confirm it; add --yes", question)}
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
