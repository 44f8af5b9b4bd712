package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/backlog"
)

type publishFlags struct {
	desk     connFlags
	account  string
	priority string
	file     string
	makeIDs  bool
	dryRun   bool
	call     callFlags
}

func newPublishCommand(environ []string) *cobra.Command {
	f := &publishFlags{desk: connFlags{environ: environ}}
	c := &cobra.Command{
		Use:   "publish",
		Short: "Publish a call request, or those of a file",
		Long: `Publish one request by flags, or many by a file of JSON lines or CSV.

Every request is checked before it is sent, by the rules of the workers. The id
makes it safe to publish again: the same id is dialled once, however often it is
published. Without --id one is generated and printed; a script that may run again
should set its own.

In a file every line needs an id, so that publishing the file again rings no phone
twice; --make-ids generates them where that does not matter.`,
		Example: `  ringonce publish --from +912071531001 --to +919812345678 --answer-url https://publisher.example/answer
  ringonce publish --id reminder-4711 --priority urgent --from … --to … --metadata patient=4711
  ringonce publish --file reminders.jsonl
  ringonce publish --file reminders.csv --priority bulk --dry-run`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.desk.register(c)
	c.Flags().StringVar(&f.account, "account", configs.DefaultAccountName, "`ACCOUNT` that places the calls")
	c.Flags().StringVar(&f.priority, "priority", string(call.Normal), "urgent, normal or bulk")
	c.Flags().StringVar(&f.file, "file", "", "`FILE` with a JSON object on every line, or CSV if its name ends in .csv; - reads either from standard input")
	c.Flags().BoolVar(&f.makeIDs, "make-ids", false, "generate ids for lines of a file that have none")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "check the requests, and publish nothing")
	f.call.register(c)
	return c
}

func (f *publishFlags) run(c *cobra.Command) error {
	config, err := f.desk.config()
	if err != nil {
		return err
	}
	p := &publishing{
		rules: publishRules{numbers: call.NumberCheck(config.Request.Numbers), maxAge: config.Request.MaxAge},
		dry:   f.dryRun, makeIDs: f.makeIDs, out: c.OutOrStdout(), err: c.ErrOrStderr(),
	}
	publish, err := f.prepare(c, p)
	if err != nil {
		return usageError{fmt.Errorf("rejected, nothing was published: %w", err)}
	}
	if !p.dry {
		conn, err := connect(config.NATS)
		if err != nil {
			return err
		}
		defer conn.Close()
		publisher := conn.NewPublisher()
		p.publish = func(ctx context.Context, body []byte) error {
			return publisher.Publish(ctx, p.account, p.priority, body, "")
		}
		defer p.warnNoWorker(c.Context(), conn)
	}
	return publish(c.Context())
}

// prepare validates the command line, and returns the function that publishes. Its
// error lists everything that is wrong.
func (f *publishFlags) prepare(c *cobra.Command, p *publishing) (publish func(context.Context) error, err error) {
	var all []error
	note := func(err error) {
		if err != nil {
			all = append(all, err)
		}
	}
	if p.account, err = call.ParseAccount(f.account); err != nil {
		note(fmt.Errorf("--account: %w", err))
	}
	if p.priority, err = call.ParsePriority(f.priority); err != nil {
		note(fmt.Errorf("--priority: %w", err))
	}
	if given := f.call.firstChanged(c); f.file != "" && given != "" {
		note(fmt.Errorf("--%s and --file exclude each other", given))
	}
	if f.makeIDs && f.file == "" {
		note(errors.New("--make-ids requires --file; a single request without --id gets one anyway"))
	}
	if f.file != "" {
		file, err := openRequests(f.file, c.InOrStdin())
		note(err)
		publish = func(ctx context.Context) error { return p.publishFile(ctx, file) }
	} else {
		one, err := p.read(c, &f.call)
		all = append(all, withFlagNames(err)...)
		publish = func(ctx context.Context) error { return p.publishOne(ctx, one) }
	}
	return publish, joinLines(all)
}

// publishing is one run of the command.
type publishing struct {
	rules    publishRules
	account  call.Account
	priority call.Priority
	publish  func(context.Context, []byte) error // returns when the broker has it; nil in a dry run
	dry      bool
	makeIDs  bool
	out, err io.Writer
}

// singleCall is a request by flags.
type singleCall struct {
	request call.Request
	body    []byte
}

// read builds the request of the flags.
func (p *publishing) read(c *cobra.Command, flags *callFlags) (singleCall, error) {
	fields, err := flags.fields(c)
	if err != nil {
		return singleCall{}, err
	}
	if fields.ID == "" {
		fields.ID = newID()
	}
	body, err := fields.encode()
	if err != nil {
		return singleCall{}, err
	}
	request, _, err := p.rules.check(body, time.Now())
	return singleCall{request, body}, err
}

func (p *publishing) publishOne(ctx context.Context, one singleCall) error {
	request := one.request
	defer p.printNotes(request)
	if p.dry {
		fmt.Fprintf(p.out, "%s would be published to %s\n", request.ID, queue.RequestSubject(p.account, p.priority))
		return nil
	}
	if err := p.publish(ctx, one.body); err != nil {
		return fmt.Errorf("%w; it is unknown whether %s was stored; publishing it again with --id %s is safe", err, request.ID, request.ID)
	}
	fmt.Fprintf(p.out, "%s\npublished; follow it with: ringonce calls show %s\n", request.ID, p.show(request.ID))
	return nil
}

// printNotes prints likely mistakes in a single request.
func (p *publishing) printNotes(r call.Request) {
	if r.AnswerURL == "" {
		fmt.Fprintf(p.err, "note: no answer_url; %s\n", noAnswerURL(p.account))
	}
	for _, field := range unassignedFields(r) {
		fmt.Fprintf(p.err, "note: %s\n", unassignedNote(field))
	}
}

func noAnswerURL(a call.Account) string {
	return fmt.Sprintf("it is dialled only if accounts.%s.defaults.answer_url is set for the workers", a)
}

// unassignedFields returns the fields whose numbers are in no assigned range.
func unassignedFields(r call.Request) []string {
	var names []string
	for _, n := range []struct {
		field string
		phone call.Phone
	}{{"from", r.From}, {"to", r.To}} {
		if _, assigned, err := call.ParsePhone(n.phone.E164(), call.PossibleNumbers); err == nil && !assigned {
			names = append(names, n.field)
		}
	}
	return names
}

func unassignedNote(field string) string {
	return field + " is in no assigned range; check it (is the country code repeated?)"
}

// show returns the arguments of calls show.
func (p *publishing) show(id call.ID) string {
	if p.account == configs.DefaultAccountName {
		return string(id)
	}
	return fmt.Sprintf("--account %s %s", p.account, id)
}

// warnNoWorker warns if no worker has served the account: its name may be mistyped.
func (p *publishing) warnNoWorker(ctx context.Context, conn *queue.Conn) {
	served, err := backlog.HasConsumers(ctx, conn, p.account)
	if err == nil && !served {
		fmt.Fprintf(p.err, "note: no worker has served account %s yet; its requests wait for one\n", p.account)
	}
}

// publishRules are the settings that requests are checked by.
type publishRules struct {
	numbers call.NumberCheck
	maxAge  time.Duration
}

// check rejects a request that a worker would end without dialling. The error is a
// *call.InvalidError.
func (r publishRules) check(body []byte, now time.Time) (call.Request, call.Digest, error) {
	request, digest, err := call.DecodeRequest(body, r.numbers)
	switch {
	case err != nil:
		return request, digest, err
	case !request.ExpiresAt.IsZero() && !now.Before(request.ExpiresAt):
		return request, digest, &call.InvalidError{
			Reason: call.Expired, Field: "expires_at", Rule: "is in the past", Fix: "set a later time, or omit it",
		}
	case request.NotBefore.After(now.Add(r.maxAge)):
		return request, digest, &call.InvalidError{
			Reason: call.InvalidRequest, Field: "not_before",
			Rule: fmt.Sprintf("is more than request.max_age (%s) in the future", r.maxAge), Fix: "publish it later, or raise request.max_age",
		}
	default:
		return request, digest, nil
	}
}

// allErrors returns every error of a request.
func allErrors(err error) []error {
	var invalid *call.InvalidError
	if !errors.As(err, &invalid) {
		return []error{err}
	}
	var all []error
	for _, e := range invalid.All() {
		all = append(all, e)
	}
	return all
}

// withFlagNames returns every error, with the flag instead of the field.
func withFlagNames(err error) []error {
	if err == nil {
		return nil
	}
	all := allErrors(err)
	for i, e := range all {
		var invalid *call.InvalidError
		if errors.As(e, &invalid) && invalid.Field != "" {
			shown := *invalid
			shown.Field = "--" + strings.ReplaceAll(invalid.Field, "_", "-")
			all[i] = &shown
		}
	}
	return all
}

// joinLines joins errors, each on a line of its own if there are several.
func joinLines(all []error) error {
	if len(all) < 2 {
		return errors.Join(all...)
	}
	lines := make([]string, len(all))
	for i, err := range all {
		lines[i] = "\n  " + err.Error()
	}
	return errors.New(strings.Join(lines, ""))
}

// newID generates the id of a call.
func newID() string { return "cli-" + strings.ToLower(rand.Text()) }
