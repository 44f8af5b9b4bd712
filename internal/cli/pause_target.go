package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
)

// pauseTarget is what is paused or resumed: one account, one caller ID, or
// everything.
type pauseTarget struct {
	all     bool
	account call.Account
	number  call.Phone
}

// pauseTargetFlags are its flags.
type pauseTargetFlags struct {
	all    bool
	number string
}

func (f *pauseTargetFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.all, "all", false, "all accounts")
	c.Flags().StringVar(&f.number, "number", "", "one caller ID, a `NUMBER` in E.164 form, whichever account it belongs to")
}

func (f *pauseTargetFlags) parse(args []string) (pauseTarget, error) {
	switch {
	case f.all && f.number == "" && len(args) == 0:
		return pauseTarget{all: true}, nil
	case !f.all && f.number != "" && len(args) == 0:
		number, _, err := call.ParsePhone(f.number, call.PossibleNumbers)
		if err != nil {
			return pauseTarget{}, usageError{fmt.Errorf("--number: %w", err)}
		}
		return pauseTarget{number: number}, nil
	case !f.all && f.number == "" && len(args) == 1:
		account, err := call.ParseAccount(args[0])
		if err != nil {
			return pauseTarget{}, usageError{err}
		}
		return pauseTarget{account: account}, nil
	default:
		return pauseTarget{}, usageError{errors.New("name one account, one caller ID with --number, or --all")}
	}
}

// String returns the target for messages.
func (r pauseTarget) String() string {
	switch {
	case r.all:
		return "all accounts"
	case !r.number.IsZero():
		return "caller ID " + r.number.E164() // typed by the operator
	default:
		return "account " + string(r.account)
	}
}

// argument returns the target for a command line.
func (r pauseTarget) argument() string {
	switch {
	case r.all:
		return "--all"
	case !r.number.IsZero():
		return "--number " + r.number.E164()
	default:
		return string(r.account)
	}
}
