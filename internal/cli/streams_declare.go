package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

func newStreamsDeclareCommand(cf *connFlags) *cobra.Command {
	var from string
	var a actionFlags
	c := &cobra.Command{
		Use:   "declare --valid-from TIME",
		Short: "Accept CALL_RECORDS after it may have lost records",
		Long: `Accept CALL_RECORDS as it is, after it was restored from a copy, recreated or
purged, or had a setting that removes records. Workers dial nothing until then. Fix
a wrong setting first. The first message of the stream, by which workers detect
removed records, is written again if it is missing.

TIME is when the records begin to be complete: usually now. A request that was
published before may have had a record that is gone, so it is never dialled: it
ends as too_old_to_know. If the first message had to be written again, this applies
to every request published before now.`,
		Example: `  ringonce streams declare --valid-from now --why "restored from the backup of 02:00"
  ringonce streams declare --valid-from 2026-01-31T09:00:00Z --why … --yes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now()
			validFrom, err := parseValidFrom(from, now)
			if err != nil {
				return usageError{err}
			}
			if err := a.requireReason("restored from the backup of 02:00"); err != nil {
				return err
			}
			conn, _, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			question := fmt.Sprintf("Requests published before %s will not be dialled; those published later will.", validFrom.Format(time.RFC3339))
			if err := a.confirm(c, question); err != nil {
				return err
			}
			l, err := rollback.Declare(c.Context(), conn, validFrom, a.by+": "+a.why, now)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "declared: %s is valid from %s on; workers resume within seconds\n",
				queue.StreamRecords, l.ValidFrom.Format(time.RFC3339))
			if l.ValidFrom.Sub(validFrom) > time.Second {
				fmt.Fprintf(c.OutOrStdout(), "note: not from %s on: earlier records are gone, or could be lost unnoticed\n", validFrom.Format(time.RFC3339))
			}
			return nil
		},
	}
	c.Flags().StringVar(&from, "valid-from", "", "`TIME` from which the records are complete (RFC 3339, or now)")
	a.registerNote(c)
	a.registerYes(c)
	return c
}

func parseValidFrom(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, errors.New("--valid-from is required: an RFC 3339 time, or now")
	}
	if s == "now" {
		return now.UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, errors.New("--valid-from is not an RFC 3339 time; write it like 2026-01-31T09:00:00Z, or now")
	}
	if t.After(now) {
		return t, errors.New("--valid-from is in the future: every request until then would end undialled; set a past time, or now")
	}
	return t.UTC(), nil
}
