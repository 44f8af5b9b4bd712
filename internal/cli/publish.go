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
		Short: "Ask for a call, or for those of a file",
		Long: `Ask for one call by flags, or for many by a file of JSON lines or CSV.

Every request is checked before it is sent, by the rules that the workers apply.
The id is what makes publishing again safe: the same id is dialled once, however
often it is published. Without --id one is made up and printed; a script that
may be started again should give its own.

In a file every line needs an id, so that publishing the file again rings nobody
twice; --make-ids makes them up where that does not matter.`,
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
	c.Flags().BoolVar(&f.makeIDs, "make-ids", false, "make up ids for lines of a file that have none")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "check, and publish nothing")
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
		return usageError{fmt.Errorf("refused, nothing was published: %w", err)}
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

// prepare reads what is to be published, and returns what publishes it. The error
// lists every mistake of the command line.
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
		note(fmt.Errorf("--%s and --file exclude each other: the file says it for every call", given))
	}
	if f.makeIDs && f.file == "" {
		note(errors.New("--make-ids is for --file; a single call without --id gets one anyway"))
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

// singleCall is a call that was asked for by flags.
type singleCall struct {
	request call.Request
	body    []byte
}

// read makes a request of the flags.
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
		return fmt.Errorf("%w; whether %s was stored is not known: publish it again with --id %s, that is safe", err, request.ID, request.ID)
	}
	fmt.Fprintf(p.out, "%s\npublished; see what becomes of it with: ringonce calls show %s\n", request.ID, p.show(request.ID))
	return nil
}

// printNotes tells what is likely a mistake of a single request.
func (p *publishing) printNotes(r call.Request) {
	if r.AnswerURL == "" {
		fmt.Fprintf(p.err, "note: it has no answer_url; %s\n", noAnswerURL(p.account))
	}
	for _, field := range unassignedFields(r) {
		fmt.Fprintf(p.err, "note: %s\n", unassignedNote(field))
	}
}

func noAnswerURL(a call.Account) string {
	return fmt.Sprintf("it is dialled only if accounts.%s.defaults.answer_url is set for the workers", a)
}

// unassignedFields names the numbers that lie in no range known to be assigned.
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
	return field + " lies in no range that is known to be assigned; check it (is the country code there twice?)"
}

// show gives the arguments by which a call is shown.
func (p *publishing) show(id call.ID) string {
	if p.account == configs.DefaultAccountName {
		return string(id)
	}
	return fmt.Sprintf("--account %s %s", p.account, id)
}

// warnNoWorker tells of an account that nobody serves: a mistyped name waits for
// ever.
func (p *publishing) warnNoWorker(ctx context.Context, conn *queue.Conn) {
	served, err := conn.HasConsumers(ctx, p.account)
	if err == nil && !served {
		fmt.Fprintf(p.err, "note: no worker has served account %s yet; its requests wait until one does\n", p.account)
	}
}

// publishRules are what a request is checked by.
type publishRules struct {
	numbers call.NumberCheck
	maxAge  time.Duration
}

// check refuses what a worker would end without dialling. The error is a
// *call.InvalidError.
func (r publishRules) check(body []byte, now time.Time) (call.Request, call.Digest, error) {
	request, digest, err := call.DecodeRequest(body, r.numbers)
	switch {
	case err != nil:
		return request, digest, err
	case !request.ExpiresAt.IsZero() && !now.Before(request.ExpiresAt):
		return request, digest, &call.InvalidError{
			Reason: call.Expired, Field: "expires_at", Rule: "is over", Fix: "send a later one, or leave it out",
		}
	case request.NotBefore.After(now.Add(r.maxAge)):
		return request, digest, &call.InvalidError{
			Reason: call.InvalidRequest, Field: "not_before",
			Rule: fmt.Sprintf("lies more than request.max_age (%s) ahead", r.maxAge), Fix: "publish it later, or raise the limit",
		}
	default:
		return request, digest, nil
	}
}

// allErrors returns every mistake that an error lists.
func allErrors(err error) []error {
	var invalid *call.InvalidError
	if !errors.As(err, &invalid) {
		return []error{err}
	}
	var all []error
	for _, mistake := range invalid.All() {
		all = append(all, mistake)
	}
	return all
}

// withFlagNames returns every mistake, with the flag instead of the field.
func withFlagNames(err error) []error {
	if err == nil {
		return nil
	}
	all := allErrors(err)
	for i, mistake := range all {
		var invalid *call.InvalidError
		if errors.As(mistake, &invalid) && invalid.Field != "" {
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

// newID names a call whose publisher did not.
func newID() string { return "cli-" + strings.ToLower(rand.Text()) }
