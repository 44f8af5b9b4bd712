package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag in words of ours, with the flags that a
// mistyped one resembles.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		err = fmt.Errorf("there is no flag --%s%s", unknown.GetSpecifiedName(), orElse(similarFlags(c, unknown.GetSpecifiedName())))
	case errors.As(err, &invalid):
		err = fmt.Errorf("--%s %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), valueForm(invalid.GetFlag().Value.Type()))
	}
	return usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
}

// similarFlags returns the flags that resemble a name, by the measure that cobra
// has for commands.
func similarFlags(c *cobra.Command, name string) []string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	similar := names.SuggestionsFor(name)
	for i := range similar {
		similar[i] = "--" + similar[i]
	}
	return similar
}

// orElse asks whether one of these was meant.
func orElse(similar []string) string {
	if len(similar) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(similar, " or ") + "?"
}

// valueForm says how the value of a flag is written.
func valueForm(kind string) string {
	switch kind {
	case "duration":
		return "a duration; write it like 90s, 15m or 48h"
	case "int", "uint64":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	default:
		return "a value of it"
	}
}
