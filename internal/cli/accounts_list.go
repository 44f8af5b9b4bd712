package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/backlog"
	"github.com/ringonce/ringonce/queue/control"
)

func newAccountsListCommand(cf *connFlags) *cobra.Command {
	var asJSON, reveal bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List accounts with their queues, states and workers",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			now := time.Now()
			flags, err := control.New(conn, discardLog()).Read(c.Context())
			if err != nil {
				return fmt.Errorf("%w; check the streams with: ringonce streams check", err)
			}
			depths, orphaned, err := backlog.NewMeter(conn).Measure(c.Context(), now, slices.Collect(maps.Keys(flags.Lanes()))...)
			if err != nil {
				return fmt.Errorf("%w; check the streams with: ringonce streams check", err)
			}
			views := accountViews(depths, flags, config.AccountNames(), now)
			served := servedAccounts(views)
			orphaned += backlog.CountOrphaned(depths, served)
			numbers := numberViews(flags.PausedNumbers(), reveal)
			if asJSON {
				return printJSON(c.OutOrStdout(), accountsView{Accounts: views, PausedNumbers: numbers, Orphaned: orphaned})
			}
			printAccounts(c.OutOrStdout(), views)
			printNumbers(c.OutOrStdout(), numbers, now)
			if orphaned > 0 {
				warnOrphaned(c, conn, orphaned, served)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&reveal, "reveal", false, "show paused caller IDs in full")
	return c
}

// warnOrphaned names accounts that have waiting requests and no worker. Publishers
// choose the names, and there may be many.
func warnOrphaned(c *cobra.Command, conn *queue.Conn, orphaned uint64, served map[call.Account]bool) {
	const maxNames = 5
	names := map[string]bool{}
	places, err := backlog.PendingSubjects(c.Context(), conn)
	for _, p := range places {
		if !served[call.Account(p.Account)] {
			names[printable(p.Account)] = true
		}
	}
	listed := slices.Sorted(maps.Keys(names))
	which := strings.Join(listed[:min(len(listed), maxNames)], ", ")
	switch {
	case err != nil:
		which = "unknown: " + err.Error()
	case len(listed) > maxNames:
		which += fmt.Sprintf(" and %d more", len(listed)-maxNames)
	}
	fmt.Fprintf(c.ErrOrStderr(), "note: %s for accounts without a worker (%s); add them to the workers' configuration, or let them end as unknown_account after request.max_age\n",
		waits(orphaned), which)
}

func waits(n uint64) string {
	if n == 1 {
		return "1 request waits"
	}
	return fmt.Sprintf("%d requests wait", n)
}

// accountsView is the output of the list.
type accountsView struct {
	Accounts      []accountView `json:"accounts"`
	PausedNumbers []numberView  `json:"paused_numbers"`
	Orphaned      uint64        `json:"orphaned"`
}

// accountView is the state of an account.
type accountView struct {
	Account       call.Account         `json:"account"`
	State         string               `json:"state"` // in words
	Waiting       uint64               `json:"waiting"`
	Due           uint64               `json:"due"`
	AckPending    uint64               `json:"ack_pending"`
	Parked        uint64               `json:"parked"`
	DeadLetters   uint64               `json:"dead_letters"`
	OldestSeconds float64              `json:"oldest_seconds"`
	Served        bool                 `json:"served"` // by a worker, in the last minute
	Suspension    *call.Suspension     `json:"suspension,omitzero"`
	Pause         *call.Pause          `json:"pause,omitzero"`
	Lanes         []control.WorkerLane `json:"lanes"`
}

// accountViews returns the accounts that have messages or flags at the broker, that
// a worker serves, or that are configured here.
func accountViews(depths map[call.Account]backlog.Depth, flags control.Flags, configured []string, now time.Time) []accountView {
	lanes := flags.Lanes()
	known := map[call.Account]bool{}
	for a := range depths {
		known[a] = true
	}
	for a := range lanes {
		known[a] = true
	}
	for _, a := range flags.Accounts() {
		known[a] = true
	}
	for _, name := range configured {
		known[call.Account(name)] = true
	}
	views := []accountView{}
	for _, a := range slices.Sorted(maps.Keys(known)) {
		depth, v := depths[a], newAccountView(a, flags.Blocks(a), lanes[a], now)
		v.Waiting, v.Due, v.AckPending, v.Parked = depth.Waiting, depth.Due, depth.AckPending, depth.Parked
		v.DeadLetters, v.OldestSeconds = depth.DeadLetters, depth.Oldest.Seconds()
		views = append(views, v)
	}
	return views
}

// newAccountView returns what stops an account, and the state of its lanes.
func newAccountView(a call.Account, stops call.Blocks, lanes []control.WorkerLane, now time.Time) accountView {
	v := accountView{Account: a, Pause: stops.Pause, Lanes: lanes, Served: len(lanes) > 0}
	if v.Lanes == nil {
		v.Lanes = []control.WorkerLane{}
	}
	if stops.Suspended() {
		v.Suspension = &stops.Suspension
	}
	v.State = v.state(now)
	return v
}

// state describes pause, suspension and lanes.
func (v accountView) state(now time.Time) string {
	var parts []string
	if v.Pause != nil {
		parts = append(parts, pauseText(*v.Pause, now))
	}
	if s := v.Suspension; s != nil && !v.hasLane(call.LaneSuspended) {
		parts = append(parts, laneText(call.LaneStatus{State: call.LaneSuspended, Reason: s.Reason, Since: s.Since, Next: s.Until}, now))
	}
	parts = append(parts, lanesText(v.Lanes, now, func(s call.LaneStatus) bool {
		return (s.State == call.LanePaused && v.Pause != nil) || (s.State == call.LaneRunning && v.justStopped(now))
	})...)
	if !v.Served {
		parts = append(parts, "no worker")
	}
	return printable(strings.Join(parts, "; "))
}

// hasLane reports whether the lane of a worker is in this state.
func (v accountView) hasLane(state call.LaneState) bool {
	return slices.ContainsFunc(v.Lanes, func(l control.WorkerLane) bool { return l.State == state })
}

// justStopped reports whether the account was paused or suspended so recently that
// workers may not have published their new state.
func (v accountView) justStopped(now time.Time) bool {
	return (v.Pause != nil && now.Sub(v.Pause.Since) < control.HeartbeatInterval) ||
		(v.Suspension != nil && now.Sub(v.Suspension.Since) < control.HeartbeatInterval)
}

func servedAccounts(views []accountView) map[call.Account]bool {
	served := map[call.Account]bool{}
	for _, v := range views {
		if v.Served {
			served[v.Account] = true
		}
	}
	return served
}

func printAccounts(out io.Writer, views []accountView) {
	if len(views) == 0 {
		fmt.Fprintln(out, "no accounts: no worker has started yet, and the configuration has none")
		return
	}
	t := newTable(out, "account", "state", "waiting", "due", "ack pending", "parked", "dead letters", "oldest")
	for _, v := range views {
		oldest := "-"
		if v.OldestSeconds > 0 {
			oldest = formatDuration(time.Duration(v.OldestSeconds * float64(time.Second)))
		}
		t.AppendRow([]any{v.Account, v.State, v.Waiting, v.Due, v.AckPending, v.Parked, v.DeadLetters, oldest})
	}
	t.Render()
}

// numberView is a paused caller ID.
type numberView struct {
	Number string     `json:"number"` // masked, unless it is to be revealed
	Pause  call.Pause `json:"pause"`
}

func numberViews(paused call.PausedNumbers, reveal bool) []numberView {
	views := []numberView{}
	for _, from := range sortedNumbers(paused) {
		v := numberView{Number: from.String(), Pause: paused[from]}
		if reveal {
			v.Number = from.E164()
		}
		views = append(views, v)
	}
	return views
}

func printNumbers(out io.Writer, numbers []numberView, now time.Time) {
	for _, n := range numbers {
		fmt.Fprintln(out, printable("caller ID "+n.Number+": "+pauseText(n.Pause, now)))
	}
}
