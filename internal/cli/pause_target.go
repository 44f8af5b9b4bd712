package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
)

// reach is what a pause or its end is about: one account, one caller ID, or
// everything.
type reach struct {
	all     bool
	account call.Account
	number  call.Phone
}

// reachFlags are the flags that say so, as they were given.
type reachFlags struct {
	all    bool
	number string
}

func (f *reachFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.all, "all", false, "all accounts")
	c.Flags().StringVar(&f.number, "number", "", "one caller ID, a `NUMBER` in E.164 form, whichever account it belongs to")
}

func (f *reachFlags) read(args []string) (reach, error) {
	switch {
	case f.all && f.number == "" && len(args) == 0:
		return reach{all: true}, nil
	case !f.all && f.number != "" && len(args) == 0:
		number, _, err := call.ParsePhone(f.number, call.PossibleNumbers)
		if err != nil {
			return reach{}, usageError{fmt.Errorf("--number: %w", err)}
		}
		return reach{number: number}, nil
	case !f.all && f.number == "" && len(args) == 1:
		account, err := call.ParseAccount(args[0])
		if err != nil {
			return reach{}, usageError{err}
		}
		return reach{account: account}, nil
	default:
		return reach{}, usageError{errors.New("name one account, or one caller ID with --number, or say --all")}
	}
}

// String is how the answer begins.
func (r reach) String() string {
	switch {
	case r.all:
		return "all accounts"
	case !r.number.IsZero():
		return "caller ID " + r.number.E164() // the operator's own words
	default:
		return "account " + string(r.account)
	}
}

// argument is how the command line says it.
func (r reach) argument() string {
	switch {
	case r.all:
		return "--all"
	case !r.number.IsZero():
		return "--number " + r.number.E164()
	default:
		return string(r.account)
	}
}
