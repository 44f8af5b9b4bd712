package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

func newStreamsCheckCommand(cf *connFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that the streams are as required",
		Long: `Check that the streams are as required. The exit status is 1 if a stream is
missing or differs in a way that breaks the guarantee, or if CALL_RECORDS may have
lost records. Differences of size or speed are printed as notes.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			err = checkStreams(c, conn, app.Topology(config))
			var fault *rollback.FaultError
			if _, recordsErr := rollback.Inspect(c.Context(), conn); errors.As(recordsErr, &fault) {
				return errors.Join(err, recordsErr)
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
		return fmt.Errorf("%s not of ringonce; nothing was changed", plural(foreign, "stream"))
	case broken > 0:
		return fmt.Errorf("%s would break the guarantee; stop all workers and fix it with: nats stream edit", plural(broken, "difference"))
	}
	fmt.Fprintln(c.OutOrStdout(), "the streams are as required")
	return nil
}

// breaksGuarantee reports whether this difference breaks the guarantee.
func breaksGuarantee(d queue.Drift) bool { return d.Setting == "" || d.Impact != "" }
