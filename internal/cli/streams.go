package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
)

func newStreamsCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "streams",
		Short: "Make the JetStream streams, or check that they are as they have to be",
		Args:  knownCommand,
		RunE:  needSubcommand,
	}
	d := &desk{environ: environ}
	d.flags(c)
	c.AddCommand(newStreamsApplyCommand(d), newStreamsCheckCommand(d), newStreamsDeclareCommand(d))
	return c
}

func newStreamsApplyCommand(d *desk) *cobra.Command {
	return &cobra.Command{
		Use:   "apply",
		Short: "Make the streams that are missing",
		Long: `Make the streams that are missing, with streams.replicas replicas. Streams that
are there stay as they are; what differs is printed.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			topology := app.Topology(config)
			made, err := topology.Apply(c.Context(), conn.JetStream())
			for _, name := range made {
				fmt.Fprintln(c.OutOrStdout(), name, "made")
			}
			if err != nil {
				return err
			}
			if slices.Contains(made, queue.BucketControl) && !slices.Contains(made, queue.StreamRecords) {
				fmt.Fprintln(c.OutOrStdout(), "note: pauses and suspensions were in", queue.BucketControl,
					"and are in force again only if a running worker knew them; look at: ringonce accounts list")
			}
			if _, err := conn.InspectHighWater(c.Context()); err != nil {
				fmt.Fprintln(c.OutOrStdout(), "note:", err)
			}
			return checkStreams(c, conn, topology)
		},
	}
}

func newStreamsCheckCommand(d *desk) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Compare the streams with what they have to be",
		Long: `Compare the streams with what they have to be. The exit code is 1 if a stream is
missing, or differs so that the promise does not hold, or if CALL_RECORDS may have
forgotten calls; what is only a matter of size or speed is printed as a note.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := d.connect()
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
		if breaks(d) {
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
		return fmt.Errorf("%s missing", count(missing, "stream"))
	case foreign > 0:
		return fmt.Errorf("%s not ringonce's; nothing was changed", count(foreign, "stream"))
	case broken > 0:
		return fmt.Errorf("%s would break the guarantee; stop all workers, then mend it with: nats stream edit", count(broken, "difference"))
	}
	fmt.Fprintln(c.OutOrStdout(), "the streams are as they have to be")
	return nil
}

// breaks reports whether the promise does not hold with this difference.
func breaks(d queue.Drift) bool { return d.Setting == "" || d.Impact != "" }

func newStreamsDeclareCommand(d *desk) *cobra.Command {
	var from string
	var a answer
	c := &cobra.Command{
		Use:   "declare --valid-from TIME",
		Short: "Accept CALL_RECORDS after it may have forgotten calls",
		Long: `Accept CALL_RECORDS as it is, after it was restored from a copy, made again,
purged, or had a setting under which records vanish. Workers dial nothing until
that is done. A setting that is wrong is mended first; the first message of the
stream, by which workers notice that something was removed, is written again
where it is gone.

TIME is from when on its records are complete: usually now. A request that was
published before may have had a record that is gone, so it is never dialled: it
ends as too_old_to_know. Where the first message had to be written again, that is
so for every request published before now.`,
		Example: `  ringonce streams declare --valid-from now --why "restored from the backup of 02:00"
  ringonce streams declare --valid-from 2026-01-31T09:00:00Z --why … --yes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now()
			validFrom, err := parseValidFrom(from, now)
			if err != nil {
				return usageError{err}
			}
			if strings.TrimSpace(a.why) == "" {
				return usageError{errors.New(`--why is required: say what happened, such as --why "restored from the backup of 02:00"`)}
			}
			conn, _, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			question := fmt.Sprintf("Requests published before %s will not be dialled; those published later will.", validFrom.Format(time.RFC3339))
			if err := a.confirm(c, question); err != nil {
				return err
			}
			l, err := conn.DeclareRecords(c.Context(), validFrom, a.by+": "+a.why, now)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "declared: %s is valid from %s on; workers dial again within seconds\n",
				queue.StreamRecords, l.ValidFrom.Format(time.RFC3339))
			if l.ValidFrom.Sub(validFrom) > time.Second {
				fmt.Fprintf(c.OutOrStdout(), "note: not from %s on: what was recorded until then is gone, or could vanish unnoticed\n", validFrom.Format(time.RFC3339))
			}
			return nil
		},
	}
	c.Flags().StringVar(&from, "valid-from", "", "`TIME` from which the records are complete (RFC 3339, or now)")
	a.noteFlags(c)
	a.yesFlag(c)
	return c
}

func parseValidFrom(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, errors.New("--valid-from is required: a time as in RFC 3339, or now")
	}
	if s == "now" {
		return now.UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, errors.New("--valid-from is not a time as in RFC 3339; write it as 2026-01-31T09:00:00Z, or now")
	}
	if t.After(now) {
		return t, errors.New("--valid-from lies ahead: every request until then would end undialled; give a time that is past, or now")
	}
	return t.UTC(), nil
}
