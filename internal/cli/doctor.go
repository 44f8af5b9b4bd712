package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/queue/rollback"
)

func newDoctorCommand(environ []string) *cobra.Command {
	cf := &connFlags{environ: environ}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a worker needs, and print how to fix what is missing",
		Long: `Check everything a worker needs: the configuration, the connection to NATS, the
server's version, the streams, the permission to acknowledge, the call records,
and, for every configured account, the provider. It rings no phone and changes
nothing. It prints one line for each check; the exit status is 1 if one failed.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			e := &doctorRun{out: c.OutOrStdout(), connFlags: cf}
			e.run(c.Context())
			if e.failed > 0 {
				return fmt.Errorf("%s failed", plural(e.failed, "check"))
			}
			return nil
		},
	}
	cf.register(c)
	return c
}

// doctorRun is one run of the doctor.
type doctorRun struct {
	out       io.Writer
	connFlags *connFlags
	failed    int
}

// report prints one line for a check.
func (r *doctorRun) report(name string, err error, fine string) bool {
	if err != nil {
		r.failed++
		for i, line := range strings.Split(err.Error(), "\n") {
			if i == 0 {
				fmt.Fprintf(r.out, "FAIL  %-16s %s\n", name, line)
				continue
			}
			fmt.Fprintf(r.out, "      %-16s %s\n", "", line)
		}
		return false
	}
	fmt.Fprintf(r.out, "ok    %-16s %s\n", name, fine)
	return true
}

func (r *doctorRun) note(name, text string) { fmt.Fprintf(r.out, "note  %-16s %s\n", name, text) }

func (r *doctorRun) run(ctx context.Context) {
	config, err := r.connFlags.config()
	if !r.report("configuration", err, "valid for operators") {
		return
	}
	conn, err := connect(config.NATS)
	if r.report("connection", err, "connected to "+config.NATS.URL) {
		defer conn.Close()
		r.broker(ctx, conn, config)
	}
	r.provider(ctx, config)
}

// broker checks what depends on NATS.
func (r *doctorRun) broker(ctx context.Context, conn *queue.Conn, config configs.Config) {
	version := conn.NATS().ConnectedServerVersion()
	r.report("server", queue.CheckServer(ctx, conn.JetStream()), "nats-server "+version)
	r.report("largest message", conn.CheckMaxPayload(), fmt.Sprintf("max_payload is %d bytes", conn.NATS().MaxPayload()))
	if _, err := conn.JetStream().AccountInfo(ctx); err != nil {
		r.report("JetStream", queue.ExplainJetStream(err), "")
		return
	}
	r.streams(ctx, conn, app.Topology(config))
	r.report("consumers", conn.CheckForeignConsumers(ctx), "only ringonce's on the streams of requests")
	flags, err := control.New(conn, discardLog()).Read(ctx)
	if r.report("control flags", err, "readable") {
		r.lanes(flags, accountsToProbe(config), time.Now())
	}
	consumers, err := pull.NewConsumers(conn, pull.Options{})
	if err != nil {
		r.report("acknowledging", err, "")
		return
	}
	for _, account := range accountsToProbe(config) {
		r.report("acknowledging", consumers.CheckAckPermission(ctx, account), "permitted, account "+string(account))
	}
	highWater, err := rollback.Inspect(ctx, conn)
	r.report("call records", err, "valid from "+highWater.ValidFrom.Format(time.RFC3339)+" on")
}

func (r *doctorRun) streams(ctx context.Context, conn *queue.Conn, t queue.Topology) {
	differences, err := t.Check(ctx, conn.JetStream())
	var broken []error
	for _, d := range differences {
		if breaksGuarantee(d) {
			broken = append(broken, errors.New(d.String()))
			continue
		}
		r.note("streams", d.String())
	}
	r.report("streams", errors.Join(append(broken, err)...), "as required")
}

// accountsToProbe returns the configured accounts, or the default one.
func accountsToProbe(config configs.Config) []call.Account {
	var accounts []call.Account
	for _, name := range config.AccountNames() {
		accounts = append(accounts, call.Account(name))
	}
	if len(accounts) == 0 {
		accounts = append(accounts, configs.DefaultAccountName)
	}
	return accounts
}
