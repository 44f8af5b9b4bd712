package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
)

func newStreamsCheckCommand(cf *connFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Compare the streams with what they have to be",
		Long: `Compare the streams with what they have to be. The exit code is 1 if a stream is
missing, or differs so that the promise does not hold, or if CALL_RECORDS may have
forgotten calls; what is only a matter of size or speed is printed as a note.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			err = checkStreams(c, conn, app.Topology(config))
			var fault *queue.FaultError
			if _, forgot := conn.InspectHighWater(c.Context()); errors.As(forgot, &fault) {
				return errors.Join(err, forgot)
			}
			return err
		},
	}
}

func checkStreams(c *cobra.Command, conn *queue.Conn, t queue.Topology) error {
	differences, err := t.Check(c.Context(), conn.JetStream())
	if err != nil {
		return err
	}
	broken, missing, foreign := 0, 0, 0
	for _, d := range differences {
		if breaksGuarantee(d) {
			broken++
			if d.Setting == "" {
				missing++
			}
			if d.Foreign {
				foreign++
			}
			fmt.Fprintln(c.OutOrStdout(), d)
			continue
		}
		fmt.Fprintln(c.OutOrStdout(), "note:", d)
	}
	switch {
	case missing > 0 && missing == broken:
		return fmt.Errorf("%s missing", plural(missing, "stream"))
	case foreign > 0:
		return fmt.Errorf("%s not ringonce's; nothing was changed", plural(foreign, "stream"))
	case broken > 0:
		return fmt.Errorf("%s would break the guarantee; stop all workers, then mend it with: nats stream edit", plural(broken, "difference"))
	}
	fmt.Fprintln(c.OutOrStdout(), "the streams are as they have to be")
	return nil
}

// breaksGuarantee reports whether the promise does not hold with this difference.
func breaksGuarantee(d queue.Drift) bool { return d.Setting == "" || d.Impact != "" }
